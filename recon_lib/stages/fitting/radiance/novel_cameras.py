"""Random cameras between and around those of the inputs, for the sample loss (Wu et al. 2024, supplement B)."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ....cameras.camera import Cameras
from ....errors import BadInput
from ....views.views import Views

PATHS = ("orbit", "forward", "free")
FILL = 0.85  # of the picture's half side, by the object's farthest seen point
ELEVATION_JITTER = 12.0  # degrees beyond the inputs' elevations, standard deviation
DISTANCE_JITTER = 0.05  # of the distance, standard deviation
POSITION_JITTER = 0.15  # of the inputs' spread, standard deviation
STEEPEST = 85.0  # degrees


@dataclass(frozen=True)
class NovelCameras:
    """Draws cameras of side x side pixels.

    "orbit": all around the focus, at the inputs' distances and elevations; "forward": between the inputs' positions,
    looking at the focus; "free": between two inputs, with their rotations blended. All with jitter.
    """

    inputs: Cameras
    focus: Tensor  # [3] world, the point nearest to the inputs' optical axes
    radius: float  # world units, of the ball around the focus that pictures show
    path: str
    side: int  # pixels

    @classmethod
    def around(cls, inputs: Views, side: int, path: str = "orbit") -> "NovelCameras":
        """Cameras for some inputs. Raises `BadInput` for an unknown path, and for inputs that stand at their focus."""
        if path not in PATHS:
            raise BadInput(f"There is no path {path!r} of novel cameras; choose {', '.join(PATHS)}.")
        focus = focus_point(inputs.cameras)
        if ((inputs.cameras.position - focus).norm(dim=-1) < 1e-6).any():
            raise BadInput("An input camera stands on the point that all look at; check the poses.")
        return cls(inputs.cameras, focus, _seen_radius(inputs, focus), path, side)

    def draw(self, generator: torch.Generator) -> Cameras:
        """One camera."""
        if self.path == "free":
            return self._between(generator)
        position = self._on_orbit(generator) if self.path == "orbit" else self._in_front(generator)
        distance = float((position - self.focus).norm())
        tangent = self.radius / math.sqrt(max(distance**2 - self.radius**2, (0.1 * distance) ** 2)) / FILL
        fov = math.degrees(2 * math.atan(tangent))
        return Cameras.look_at(position[None], self.focus, fov, self.side, self.side)

    def _on_orbit(self, generator: torch.Generator) -> Tensor:
        offset = self.inputs.position - self.focus
        distance = offset.norm(dim=-1)
        elevation = torch.rad2deg(torch.asin((offset[:, 1] / distance).clamp(-1, 1)))
        low, high = float(elevation.min()), float(elevation.max())
        e = low + (high - low) * _uniform(generator) + ELEVATION_JITTER * _normal(generator)
        e, a = math.radians(max(-STEEPEST, min(STEEPEST, e))), 2 * math.pi * _uniform(generator)
        near, far = float(distance.min()), float(distance.max())
        d = (near + (far - near) * _uniform(generator)) * math.exp(DISTANCE_JITTER * _normal(generator))
        direction = torch.tensor([math.cos(e) * math.sin(a), math.sin(e), math.cos(e) * math.cos(a)])
        return self.focus + d * direction

    def _in_front(self, generator: torch.Generator) -> Tensor:
        weights = -torch.rand(len(self.inputs), generator=generator).clamp_min(1e-6).log()
        middle = ((weights / weights.sum())[:, None] * self.inputs.position).sum(0)
        spread = (self.inputs.position - self.inputs.position.mean(0)).norm(dim=-1).mean()
        return middle + POSITION_JITTER * spread * torch.randn(3, generator=generator)

    def _between(self, generator: torch.Generator) -> Cameras:
        first, second = torch.randint(len(self.inputs), (2,), generator=generator).tolist()
        share = _uniform(generator)
        poses, lenses = self.inputs.camera_to_world, self.inputs.intrinsics
        pose = poses[first].lerp(poses[second], share)
        u, _, v = torch.linalg.svd(pose[:3, :3])
        pose[:3, :3] = u @ torch.diag(torch.tensor([1.0, 1.0, float(torch.linalg.det(u @ v).sign())])) @ v
        size = float((poses[:, :3, 3] - poses[:, :3, 3].mean(0)).norm(dim=-1).mean())
        pose[:3, 3] += POSITION_JITTER / 2 * size * torch.randn(3, generator=generator)
        lens = lenses[first].lerp(lenses[second], share)
        between = replace(self.inputs[first], camera_to_world=pose[None], intrinsics=lens[None])
        return square(between).resized(self.side, self.side)


def focus_point(cameras: Cameras) -> Tensor:
    """The point [3] nearest to all optical axes; where these hardly differ, the one of them nearest to the origin."""
    axis = cameras.rotation[:, :, 2].double()
    across = torch.eye(3, dtype=torch.float64) - axis[:, :, None] * axis[:, None]
    position = cameras.position.double()
    matrix = across.sum(0) + 1e-4 * len(axis) * torch.eye(3, dtype=torch.float64)
    return torch.linalg.solve(matrix, (across @ position[:, :, None]).sum(0)[:, 0]).float()


def _seen_radius(inputs: Views, focus: Tensor) -> float:
    """Distance of the object's outermost seen point from the focus, as if it lay at the focus's depth."""
    cameras, radii = inputs.cameras, []
    at, depth = cameras.project(focus[None])
    for i in range(len(inputs)):
        offset = cameras.pixel_centres()[inputs.masks[i, 0] > 0.5] - at[i, 0]
        if len(offset):
            radii.append(float(offset.norm(dim=-1).max() / cameras.intrinsics[i, 0, 0] * depth[i, 0]))
    if not radii or max(radii) <= 0:
        raise BadInput("No input shows the object in front of its camera; check masks and poses.")
    return max(radii)


def square(cameras: Cameras) -> Cameras:
    """The cameras cropped to the square in the middle of their pictures."""
    side = min(cameras.height, cameras.width)
    return cameras.cropped((cameras.width - side) / 2, (cameras.height - side) / 2, side, side)


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


def _normal(generator: torch.Generator) -> float:
    return float(torch.randn((), generator=generator))
