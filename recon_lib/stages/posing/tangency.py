"""Epipolar tangency: what silhouettes alone say of cameras, whatever the shape (Wong and Cipolla, ICCV 2001).

A plane through two cameras' centres that touches the object touches its outline in both pictures. So the outermost
planes through the baseline that meet one outline must be those that meet the other. No surface is needed, and none can
hold the cameras where they are.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...views.framing import within_picture
from .aim import nearest_point
from .increments import PARAMETERS, cross_matrix

WIDEST = 2.0  # radians between the outermost planes of a view, at most: the baseline must pass outside of the object
LEAST_SINE = 0.15  # of the angle between the baseline and a ray that touches
MOST_PAIRS = 400  # of views
EDGE = 1.5  # pixels: nearer to the picture's edge an outline that reaches it has its last points


@dataclass(frozen=True)
class Outlines:
    """Convex hulls of the masks' outlines in V views: only there can a plane through another camera touch."""

    points: Tensor  # [V,P,2] float64, parts of the picture's width and height; short ones are padded by repetition
    cut: Tensor  # [V,P] bool: at the picture's edge, where the object may go on

    @classmethod
    def of(cls, masks: Tensor) -> "Outlines":
        """Of masks [V,1,H,W] that are not empty, to a part of a pixel: where their coverage passes one half."""
        size = masks.new_tensor([masks.shape[-1], masks.shape[-2]]).double()
        hulls = [_convex(_crossings(mask[0].double())) / size for mask in masks]
        most = max(map(len, hulls))
        padded = [torch.cat([hull, hull[:1].expand(most - len(hull), -1)]) for hull in hulls]
        points = torch.stack(padded)
        at_edge = ((points < EDGE / size) | (points > 1 - EDGE / size)).any(-1)
        return cls(points, at_edge & ~within_picture(masks)[:, None])


def _crossings(mask: Tensor) -> Tensor:
    """Points [N,2] (x,y) between the centres of neighbouring pixels of a mask [H,W] where it passes one half."""
    points = []
    for axis in (0, 1):
        count = mask.shape[axis] - 1
        a, b = mask.narrow(axis, 0, count), mask.narrow(axis, 1, count)
        found = ((a < 0.5) != (b < 0.5)).nonzero()
        point = found.double() + 0.5
        point[:, axis] += ((a - 0.5) / (a - b))[tuple(found.T)]
        points.append(point.flip(-1))
    return torch.cat(points)


def _convex(points: Tensor) -> Tensor:
    """The corners of the convex hull of points [N,2]; the points themselves where these have none."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return points[torch.from_numpy(ConvexHull(points.numpy()).vertices).long()]
    except (QhullError, ValueError):
        return points


@dataclass(frozen=True)
class Touching:
    """N planes that touch both outlines of two views."""

    views: Tensor  # [2,N] int64
    pixels: Tensor  # [2,N,2] float64, pixels of these views


def usable_pairs(cameras: Cameras, outlines: Outlines) -> Tensor:
    """Pairs [2,N] of views whose baseline passes well outside of the object, seen from both.

    Of many they are an even choice.
    """
    pairs = torch.combinations(torch.arange(len(cameras))).T
    angles, sines = _plane_angles(cameras, outlines, pairs)
    ends = _ends(angles)
    span = angles.amax(-1) - angles.amin(-1)
    good = (span < WIDEST).all(0) & (sines.gather(-1, ends) > LEAST_SINE).all(-1).all(0)
    good &= _touched(outlines, pairs, ends).any(-1)
    pairs = pairs[:, good]
    return pairs[:, :: max(1, -(-pairs.shape[1] // MOST_PAIRS))]


def touching(cameras: Cameras, outlines: Outlines, pairs: Tensor) -> Touching:
    """The two outermost planes of each of N pairs [2,N], where each view's outline touches its own.

    Those that touch where one of the pictures ends, beyond which the object may go on, are left out.
    """
    ends = _ends(_plane_angles(cameras, outlines, pairs)[0])
    points = outlines.points[pairs].gather(2, ends[..., None].expand(-1, -1, -1, 2))
    size = points.new_tensor([cameras.width, cameras.height])
    kept = _touched(outlines, pairs, ends).flatten()
    return Touching(pairs.repeat_interleave(2, 1)[:, kept], (points * size).flatten(1, 2)[:, kept])


def _ends(angles: Tensor) -> Tensor:
    """Which points [2,N,2] of outlines the two outermost planes touch."""
    return torch.stack([angles.argmin(-1), angles.argmax(-1)], -1)


def _touched(outlines: Outlines, pairs: Tensor, ends: Tensor) -> Tensor:
    """Whether the outermost planes [N,2] touch both outlines within their pictures."""
    return ~outlines.cut[pairs].gather(-1, ends).any(0)


def _plane_angles(cameras: Cameras, outlines: Outlines, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Angles [2,N,P] of the planes through each pair's baseline and the outlines' points, about the baseline from the
    plane through the object's middle; and the sines [2,N,P] between baseline and rays."""
    center, rays = cameras.position.double(), _all_rays(cameras, outlines)
    middle = nearest_point(center.float(), F.normalize(rays.mean(1), dim=-1).float()).double()
    first, second = center[pairs[0]], center[pairs[1]]
    baseline = F.normalize(second - first, dim=-1)
    reference = F.normalize(torch.linalg.cross(baseline, middle - first), dim=-1)
    normals = torch.linalg.cross(baseline[None, :, None], rays[pairs])
    return _turn(reference[None, :, None], normals, baseline[None, :, None]), normals.norm(dim=-1)


def _all_rays(cameras: Cameras, outlines: Outlines) -> Tensor:
    """Unit rays [V,P,3] of the outlines, world."""
    pixels = outlines.points * outlines.points.new_tensor([cameras.width, cameras.height])
    focal, middle = _lens(cameras)
    local = F.pad((pixels - middle[:, None]) / focal[:, None], (0, 1), value=1.0)
    return F.normalize(local @ cameras.rotation.double().mT, dim=-1)


def _lens(cameras: Cameras) -> tuple[Tensor, Tensor]:
    """Focal lengths [V,2] and principal points [V,2], pixels."""
    intrinsics = cameras.intrinsics.double()
    return intrinsics[:, [0, 1], [0, 1]], intrinsics[:, :2, 2]


def _turn(first: Tensor, second: Tensor, axis: Tensor) -> Tensor:
    """Angles [...] from vectors to others [...,3], all at right angles to unit axes."""
    return torch.atan2((torch.linalg.cross(first, second) * axis).sum(-1), (first * second).sum(-1))


def residuals(cameras: Cameras, touch: Touching, step: Tensor) -> Tensor:
    """By how many pixels [N] two outlines' touching planes are apart, after the increments [V,7] of `moved`."""
    pose = cameras.camera_to_world.double()
    twist = F.pad(torch.cat([cross_matrix(step[:, :3]), step[:, 3:6, None]], -1), (0, 0, 0, 1))
    pose = pose @ torch.linalg.matrix_exp(twist)
    focal, middle = _lens(cameras)
    focal = focal * step[:, 6:].exp()
    first, second = touch.views
    center = pose[:, :3, 3]
    baseline = F.normalize(center[second] - center[first], dim=-1)
    normals = []
    for view, pixels in zip(touch.views, touch.pixels, strict=True):
        local = F.pad((pixels - middle[view]) / focal[view], (0, 1), value=1.0)
        ray = F.normalize((pose[view, :3, :3] @ local[..., None])[..., 0], dim=-1)
        normals.append(torch.linalg.cross(baseline, ray))
    lever = (normals[0].norm(dim=-1) * normals[1].norm(dim=-1)).sqrt() * focal[:, 0][touch.views].mean(0)
    return _turn(normals[0], normals[1], baseline) * lever


def linearised(cameras: Cameras, touch: Touching) -> tuple[Tensor, Tensor]:
    """The residuals [N] and their derivatives [N,7V] by increments; where outlines touch stays (envelope theorem)."""
    step = torch.zeros(len(cameras), PARAMETERS, dtype=torch.float64)
    slopes = torch.func.jacrev(lambda s: residuals(cameras, touch, s))(step)
    return residuals(cameras, touch, step), slopes.flatten(1)
