"""Coarse search: the model from all sides and at all rolls beside the photo, each brought to one place and size.

Silhouettes are centred and scaled by their moments (Hu 1962, "Visual pattern recognition by moment invariants"), so
what remains of a pose is a direction and a roll, and all pairs are compared by a product of matrices.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....cameras.camera import Cameras
from ..increments import cross_matrix
from .looks import Looks, looks_of_render
from .model import Model
from .renders import layers
from .target import Target

DIRECTIONS, ROLLS = 600, 60  # about 9 and 6 degrees apart
SIDE_PX = 48
RADIUS = 0.2  # root mean square radius of the mask, of the side
BATCH = 50
WEIGHTS = {"mask": 1.0, "color": 1.0, "edges": 0.4, "normals": 1.0}


@dataclass(frozen=True)
class Moments:
    """Place and size of masks, pixels."""

    center: Tensor  # [V,2] x, y
    radius: Tensor  # [V] root mean square

    @classmethod
    def of(cls, masks: Tensor) -> "Moments":
        """masks [V,1,S,S]."""
        side = masks.shape[-1]
        at = torch.arange(side) + 0.5
        y, x = torch.meshgrid(at, at, indexing="ij")
        weight = masks[:, 0] / masks[:, 0].sum((1, 2), keepdim=True).clamp_min(1e-6)
        center = torch.stack([(weight * x).sum((1, 2)), (weight * y).sum((1, 2))], -1)
        spread = (x - center[:, 0, None, None]).square() + (y - center[:, 1, None, None]).square()
        return cls(center, (weight * spread).sum((1, 2)).sqrt().clamp_min(0.5))

    def brought(self, layers: Tensor, roll: Tensor | None = None) -> Tensor:
        """Layers [V,C,S,S] with their masks in the middle of [V,C,SIDE_PX,SIDE_PX], turned by roll [V] radians."""
        at = (torch.arange(SIDE_PX) + 0.5 - SIDE_PX / 2) / (RADIUS * SIDE_PX)  # in radii
        y, x = torch.meshgrid(at, at, indexing="ij")
        roll = torch.zeros_like(self.radius) if roll is None else roll
        cos, sin = roll.cos()[:, None, None], roll.sin()[:, None, None]
        grid = torch.stack([cos * x + sin * y, cos * y - sin * x], -1) * self.radius[:, None, None, None]
        grid = (grid + self.center[:, None, None]) * (2 / layers.shape[-1]) - 1
        return F.grid_sample(layers, grid, padding_mode="zeros", align_corners=False)


@dataclass(frozen=True)
class Candidates:
    """Poses with scores, best first."""

    cameras: Cameras  # K around the model, of the target's pixels
    scores: Tensor  # [K]


def search(model: Model, target: Target, count: int, apart: float, check: Callable[[], None]) -> Candidates:
    """The `count` best poses of those that differ by at least `apart` degrees."""
    fov = math.degrees(2 * math.atan(target.side / 2 / float(target.camera.intrinsics[0, 1, 1])))
    around = viewpoints(DIRECTIONS, min(max(fov, 5.0), 60.0))
    roll = torch.arange(ROLLS) * (2 * math.pi / ROLLS)
    photo, photo_moments = _rolled(target, roll)
    scores, moments = [], []
    for start in range(0, DIRECTIONS, BATCH):
        check()
        cameras = around[slice(start, start + BATCH)]
        mask, normals, albedo, _ = layers(model, cameras)
        moments.append(Moments.of(mask))
        brought = [None if x is None else moments[-1].brought(x) for x in (albedo, normals, mask)]
        scores.append(compared(photo, looks_of_render(brought[0], brought[1], (brought[2] > 0.5).float())))
    table = torch.cat(scores, 1)  # [rolls, directions]
    size = Moments(torch.cat([m.center for m in moments]), torch.cat([m.radius for m in moments]))
    best, chosen = table.flatten().argsort(descending=True)[: 200 * count], []
    rotations = []
    for index in best.tolist():
        camera = posed(target, photo_moments, around, size, index % DIRECTIONS, float(roll[index // DIRECTIONS]))
        rotation = camera.rotation[0]
        if all(angle(rotation, other) >= apart for other in rotations):
            rotations.append(rotation)
            chosen.append((camera, float(table.flatten()[index])))
        if len(chosen) == count:
            break
    return Candidates(Cameras.cat([camera for camera, _ in chosen]), torch.tensor([score for _, score in chosen]))


def viewpoints(count: int, fov: float) -> Cameras:
    """Cameras all around the unit sphere, which fills their square pictures of field of view `fov`, degrees."""
    i = torch.arange(count) + 0.5
    height, turn = 1 - 2 * i / count, math.pi * (1 + 5**0.5) * i
    ring = (1 - height**2).sqrt()
    directions = torch.stack([ring * turn.cos(), height, ring * turn.sin()], -1)
    distance = 1 / math.sin(math.radians(fov) / 2)
    return Cameras.look_at(directions * distance, torch.zeros(3), fov, SIDE_PX + 16, SIDE_PX + 16)


def compared(photo: Looks, shown: Looks) -> Tensor:
    """Scores [P,R] of all pairs of photos and renders, weighted sums of what both have."""
    inter = photo.mask.flatten(1) @ shown.mask.flatten(1).T
    union = photo.mask.flatten(1).sum(1)[:, None] + shown.mask.flatten(1).sum(1) - inter
    score = WEIGHTS["mask"] * inter / union.clamp_min(1)
    score = score + WEIGHTS["edges"] * _cosine(photo.edges, shown.edges)
    if photo.color is not None and shown.color is not None:
        score = score + WEIGHTS["color"] * _cosine(photo.color, shown.color)
    if photo.normals is not None and shown.normals is not None:
        agreement = photo.normals.flatten(1) @ shown.normals.flatten(1).T
        score = score + WEIGHTS["normals"] * agreement / union.clamp_min(1)
    return score


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    """Cosines [P,R] of layers [P,C,S,S] and [R,C,S,S] as vectors."""
    return F.normalize(one.flatten(1), dim=1) @ F.normalize(other.flatten(1), dim=1).T


def _rolled(target: Target, roll: Tensor) -> tuple[Looks, Moments]:
    """The photo's looks brought to the middle at all rolls [P], and the moments of its mask."""
    moments = Moments.of(target.looks.mask)
    many = Moments(moments.center.expand(len(roll), 2), moments.radius.expand(len(roll)))

    def turned(layers: Tensor) -> Tensor:
        return many.brought(layers.expand(len(roll), -1, -1, -1), roll)

    looks, normals = target.looks, None
    if looks.normals is not None:
        x, y, z = turned(looks.normals).split(1, 1)
        cos, sin = roll.cos()[:, None, None, None], roll.sin()[:, None, None, None]
        normals = torch.cat([cos * x - sin * y, sin * x + cos * y, z], 1)
    mask = (turned(looks.mask) > 0.5).float()
    return Looks(mask, turned(looks.color), turned(looks.edges), normals), moments


def posed(target: Target, photo: Moments, around: Cameras, size: Moments, index: int, roll: float) -> Cameras:
    """The camera of the photo that sees the model as viewpoint `index` does, turned by `roll`, where its mask is.

    A pixel at c + r Rot(-roll) q of the photo shows what the viewpoint shows at its own c + r q.
    """
    focal = float(target.camera.intrinsics[0, 1, 1])
    seen = around[index]
    scale = float(photo.radius[0] / size.radius[index])
    to_middle = seen.intrinsics[0, :2, 2] - size.center[index]  # from the silhouette's to the model's centre
    cos, sin = math.cos(roll), math.sin(roll)
    turn = torch.tensor([[cos, sin], [-sin, cos]])
    pixel = photo.center[0] + scale * turn @ to_middle
    ray = torch.linalg.inv(target.camera.intrinsics[0]) @ torch.cat([pixel, torch.ones(1)])
    ray = F.normalize(ray, dim=0)
    distance = focal * float(seen.position[0].norm()) / (scale * float(seen.intrinsics[0, 1, 1]))
    rolled = torch.eye(3)
    rolled[:2, :2] = turn
    world_to_camera = _onto(ray) @ rolled @ seen.rotation[0].T
    pose = torch.eye(4)[None].clone()
    pose[0, :3, :3] = world_to_camera.T
    pose[0, :3, 3] = -world_to_camera.T @ (ray * distance)
    return Cameras(pose, target.camera.intrinsics.clone(), target.side, target.side)


def _onto(ray: Tensor) -> Tensor:
    """The smallest rotation [3,3] that takes the optical axis to a unit ray [3]."""
    axis = torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]), ray)
    cross = cross_matrix(axis[None])[0]
    return torch.eye(3) + cross + cross @ cross / (1 + float(ray[2]))


def angle(one: Tensor, other: Tensor) -> float:
    """Degrees between rotations [3,3]."""
    sine = float((one - other).double().square().sum().sqrt()) / 8**0.5
    return math.degrees(2 * math.asin(min(sine, 1.0)))
