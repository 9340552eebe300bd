"""Refinement of one pose by render and compare: Gauss-Newton on outlines, colours and normals.

Each round renders the model, pairs what it shows with the photo, and moves the camera. Outlines are paired both ways,
as in iterated closest points of contours (RAPID: Harris & Stennett 1990; Drummond & Cipolla 2002, "Real-time visual
tracking of complex structures"); colours and normals at the pixel where a point of the surface is seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ....cameras.camera import Cameras
from ....fields.hull import signed_distance
from ..increments import PARAMETERS, cross_matrix, moved, project
from ..pictures import gaussian_blur, slopes
from .model import Model
from .renders import Render, render
from .target import Target

OUTLINE_PX = 1.0  # standard deviation of outlines, pixels
COLOR, NORMAL = 0.6, 0.35  # standard deviations of colour features and of normals
OUTLIER = 3.0  # standard deviations beyond which residuals count less and less (Cauchy)
INDEPENDENT = 0.15  # of the interior's pixels: neighbours say the same again
OUTLINE_STRENGTH, INTERIOR_STRENGTH = 200.0, 225.0  # independent measurements, whatever the picture's size
LOST = 50.0  # cost of each of these where render and photo do not meet at all
LARGEST_TURN, LARGEST_STEP, LARGEST_ZOOM = 0.15, 0.15, 0.15  # of one round: radians, share of distance, logarithm
INNER_PX = 1.5  # from both outlines: pixels further out mix object and background
STILL = 3e-4  # radians, and of the focal length's logarithm: a step that changes nothing
BLUR_PX = 1.0  # of the photo's features
DAMPING = 1e-3


@dataclass(frozen=True)
class Evidence:
    """A target as residuals read it."""

    target: Target
    layers: Tensor  # [1,C,S,S]: silhouette distance, then colour features and normals where there are some
    along_x: Tensor  # [1,C,S,S] slopes for each pixel
    along_y: Tensor
    rim: Tensor  # [Q,2] pixel centres (x, y) on the photo's outline

    @classmethod
    def of(cls, target: Target, colored: bool) -> "Evidence":
        distance = signed_distance(target.looks.mask)
        layers = [distance]
        if colored and target.looks.color is not None:
            layers.append(gaussian_blur(target.looks.color, BLUR_PX))
        if target.looks.normals is not None:
            layers.append(gaussian_blur(target.looks.normals, BLUR_PX))
        together = torch.cat(layers, 1)
        rows = (_outline(distance, target.looks.mask > 0.5) & _inside(target.framed)).nonzero()
        return cls(target, together, *slopes(together), rows.flip(-1) + 0.5)

    def read(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Values [N,C] and slopes [N,C,2] at pixels [N,2]."""
        grid = (pixels * (2 / self.target.side) - 1)[None, :, None]
        together = torch.cat([self.layers, self.along_x, self.along_y], 1)
        values, x, y = F.grid_sample(together, grid, padding_mode="border", align_corners=False)[0, ..., 0].T.chunk(
            3, 1
        )
        return values, torch.stack([x, y], -1)


@dataclass
class Equations:
    """Normal equations of one round, and its cost."""

    matrix: Tensor  # [7,7]
    vector: Tensor  # [7]
    cost: float = 0.0

    def add(self, residual: Tensor, jacobian: Tensor, deviation: float, strength: float) -> None:
        """residual [N], jacobian [N,7]: together as `strength` independent ones; Cauchy's cost beyond `OUTLIER`."""
        whitened, scaled = residual / deviation, jacobian / deviation
        far = (whitened / OUTLIER).square()
        robust = strength / len(residual) / (1 + far)
        self.matrix += scaled.T @ (scaled * robust[:, None])
        self.vector += scaled.T @ (whitened * robust)
        self.cost += strength * OUTLIER**2 * float((1 + far).log().mean())

    def step(self, damping: float) -> Tensor:
        """The increment [7] of the camera."""
        matrix = self.matrix + damping * torch.diag(self.matrix.diagonal()) + 1e-6 * torch.eye(PARAMETERS)
        return -torch.linalg.solve(matrix.double(), self.vector.double()).float()


def adjusted(
    model: Model,
    camera: Cameras,
    evidence: Evidence,
    rounds: int,
    focal: tuple[float, float],
    check: Callable[[], None],
) -> Cameras:
    """The camera after at most `rounds` renders (Levenberg 1944, Marquardt 1963): a step that fits worse is taken back.

    focal: the expected logarithm of the focal length in pixels, and its deviation.
    """
    kept, damping = _equations(model, camera, evidence, focal), DAMPING
    for _ in range(rounds):
        check()
        if kept is None:
            break
        step = _bounded(kept.step(damping), float(camera.position.norm()))
        tried = moved(camera, step[None])
        found = _equations(model, tried, evidence, focal)
        if found is None or found.cost >= kept.cost:
            damping = min(10 * damping, 1e3)
        else:
            camera, kept, damping = tried, found, max(damping / 5, 1e-6)
        if float(step[:3].norm()) < STILL and float(step[6].abs()) < STILL:
            break
    return camera


def _equations(model: Model, camera: Cameras, evidence: Evidence, focal: tuple[float, float]) -> Equations | None:
    """What one render beside the photo says; None where it shows nothing."""
    shown = render(model, camera, evidence.target)
    if not bool((shown.looks.mask > 0.5).any()):
        return None
    equations = Equations(torch.zeros(PARAMETERS, PARAMETERS), torch.zeros(PARAMETERS))
    _add_outlines(equations, shown, camera, evidence)
    _add_interior(equations, shown, camera, evidence)
    off = camera.intrinsics[0, 1, 1].log()[None] - focal[0]
    equations.add(off, torch.eye(PARAMETERS)[6:], focal[1], 1.0)
    return equations


def _bounded(step: Tensor, distance: float) -> Tensor:
    """The step [7], shortened as a whole where it is longer than what its slopes can know."""
    sizes = [step[:3].norm() / LARGEST_TURN, step[3:6].norm() / (LARGEST_STEP * distance), step[6].abs() / LARGEST_ZOOM]
    return step / max(1.0, *(float(size) for size in sizes))


def _add_outlines(equations: Equations, shown: Render, camera: Cameras, evidence: Evidence) -> None:
    """The render's outline lies on the photo's, and the photo's on the render's."""
    mask, framed = shown.looks.mask, _inside(evidence.target.framed)
    distance = signed_distance(mask)
    rows = (_outline(distance, mask > 0.5) & framed).nonzero()
    if not len(evidence.rim):
        return
    if not len(rows):
        equations.cost += LOST * OUTLINE_STRENGTH
        return
    pixels = rows.flip(-1) + 0.5
    own = distance[0, 0, rows[:, 0], rows[:, 1]]
    points = shown.points[0, rows[:, 0], rows[:, 1]]
    by_camera = project(camera, points).by_camera[:, 0]  # [N,2,7]
    values, slope = evidence.read(pixels)
    strength = float(min(OUTLINE_STRENGTH, len(evidence.rim)))
    along = torch.einsum("nk,nkp->np", slope[:, 0], by_camera)
    equations.add(values[:, 0] - own, along, OUTLINE_PX, strength)
    nearest = torch.cdist(evidence.rim, pixels).argmin(1)
    offset = evidence.rim - pixels[nearest]
    across_x, across_y = (s[0, 0, rows[:, 0], rows[:, 1]] for s in slopes(distance))
    outward = -F.normalize(torch.stack([across_x, across_y], -1), dim=-1)[nearest]
    far = offset.norm(dim=-1, keepdim=True) > 2
    outward = torch.where(far, F.normalize(offset, dim=-1) * (offset * outward).sum(-1, keepdim=True).sign(), outward)
    residual = -(offset * outward).sum(-1)
    equations.add(residual, torch.einsum("nk,nkp->np", outward, by_camera[nearest]), OUTLINE_PX, strength)


def _add_interior(equations: Equations, shown: Render, camera: Cameras, evidence: Evidence) -> None:
    """Colour features and normals where both show the object."""
    both = (signed_distance(shown.looks.mask) > INNER_PX) & (evidence.layers[:, :1] > INNER_PX)
    rows = (both[0, 0] & evidence.target.framed).nonzero()
    if evidence.layers.shape[1] == 1:
        return
    if not len(rows):
        equations.cost += LOST * INTERIOR_STRENGTH
        return
    by_camera = project(camera, shown.points[0, rows[:, 0], rows[:, 1]]).by_camera[:, 0]
    values, slope = evidence.read(rows.flip(-1) + 0.5)
    strength = min(INTERIOR_STRENGTH, INDEPENDENT * float((evidence.layers[:, :1] > 0).sum()))
    first = 1
    if shown.looks.color is not None and evidence.target.looks.color is not None:
        own = gaussian_blur(shown.looks.color, BLUR_PX)[0, :, rows[:, 0], rows[:, 1]].T
        for channel in range(own.shape[1]):
            jacobian = torch.einsum("nk,nkp->np", slope[:, first + channel], by_camera)
            equations.add(values[:, first + channel] - own[:, channel], jacobian, COLOR, strength)
        first += own.shape[1]
    if evidence.target.looks.normals is not None:
        own = shown.looks.normals[0, :, rows[:, 0], rows[:, 1]].T
        turn = cross_matrix(own)  # of normals in the camera's frame by the camera's rotation: n x w
        for axis in range(3):
            jacobian = torch.einsum("nk,nkp->np", slope[:, first + axis], by_camera)
            jacobian[:, :3] -= turn[:, axis]
            equations.add(values[:, first + axis] - own[:, axis], jacobian, NORMAL, strength)


def _outline(distance: Tensor, solid: Tensor) -> Tensor:
    """Outermost pixels [S,S] bool of a mask [1,1,S,S] with its silhouette distance."""
    return (solid & (distance < 1.2))[0, 0]


def _inside(framed: Tensor) -> Tensor:
    """Pixels [S,S] bool of the photo but those at its edge, where what is cut off is no outline."""
    return -F.max_pool2d(-framed[None].float(), 5, 1, 2)[0] > 0


def with_focal(camera: Cameras, focal: float) -> Cameras:
    """The camera with another focal length, pixels, moved along its axis so that the model keeps its size and place."""
    ratio = focal / float(camera.intrinsics[0, 1, 1])
    intrinsics, pose = camera.intrinsics.clone(), camera.camera_to_world.clone()
    intrinsics[:, [0, 1], [0, 1]] *= ratio
    axis = pose[0, :3, 2]
    depth = -(pose[0, :3, 3] @ axis)  # of the model's centre
    pose[0, :3, 3] -= (ratio - 1) * depth * axis
    return replace(camera, camera_to_world=pose, intrinsics=intrinsics)
