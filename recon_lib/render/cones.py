"""Cones that pixels see, and the Gaussians that stand for their samples (Barron et al. 2021 and 2023)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..fields.field import Cones
from .rays import RayBundle, RaySamples

SQUARE = 1 / math.sqrt(3)  # radius of the disc with a unit square's variance, 2/sqrt(12)
SHARPNESS = 0.5  # Zip-NeRF's factor of the six Gaussians' standard deviations
TURN = (0.0, 2 / 3, 4 / 3, 3 / 3, 5 / 3, 1 / 3)  # of pi: where on the hexagon the six points lie


@dataclass(frozen=True)
class ConeBundle(RayBundle):
    """R rays with the cones of their pixels."""

    spread: Tensor  # [R] radius of the cone at distance 1

    @classmethod
    def of(cls, cameras: Cameras) -> "ConeBundle":
        """All pixels of all cameras, camera by camera and row by row: V*H*W rays."""
        origins, directions = (rays.reshape(-1, 3) for rays in cameras.rays())
        return cls(origins, directions, pixel_spread(cameras))

    def cones(self, samples: RaySamples, multisamples: int = 1) -> Cones:
        """Gaussians of all samples [R*S]: one each, or the six of Zip-NeRF's hexagon (section 3.1)."""
        directions = self.directions[:, None].expand(*samples.t.shape, 3).reshape(-1, 3)
        if multisamples == 1:
            widths = samples.t * self.spread[:, None] / 2  # a disc's standard deviation along each axis
            return Cones(self.at(samples.t).reshape(-1, 1, 3), widths.reshape(-1, 1), directions)
        t, radius, angle = hexagon(samples)
        radius = radius * self.spread[:, None, None]
        right, up = (axis[:, None, None] for axis in across(self.directions))
        offset = radius[..., None] * (angle.cos()[:, None] * right + angle.sin()[:, None] * up)
        points = self.origins[:, None, None] + t[..., None] * self.directions[:, None, None] + offset
        return Cones(points.reshape(-1, 6, 3), (SHARPNESS * radius).reshape(-1, 6), directions)


def pixel_spread(cameras: Cameras) -> Tensor:
    """Radius at distance 1 of the cones of all pixels [V*H*W]."""
    focal = cameras.intrinsics[:, [0, 1], [0, 1]].mean(-1)
    return (SQUARE / focal)[:, None].expand(-1, cameras.height * cameras.width).reshape(-1)


def hexagon(samples: RaySamples) -> tuple[Tensor, Tensor, Tensor]:
    """Distances [R,S,6], radii for a cone of radius 1 at distance 1 [R,S,6], and angles [6] of Zip-NeRF's six points.

    Their mean and variance along the ray are those of the frustum (Barron et al. 2023, equations 2 to 4).
    """
    half = (samples.length / 2)[..., None]
    middle = samples.t[..., None]
    far = middle + half
    near = middle - half
    steps = torch.arange(6, device=half.device) * 2 / 5 - 1
    root = ((half.square() - middle.square()).square() + 4 * middle.square().square()).sqrt()
    shift = half * (far.square() + 2 * middle.square() + 3 / math.sqrt(7) * steps * root)
    t = near + shift / (half.square() + 3 * middle.square())
    return t, t / math.sqrt(2), torch.tensor(TURN, device=half.device) * math.pi


def across(directions: Tensor) -> tuple[Tensor, Tensor]:
    """Two unit vectors [R,3] across unit directions [R,3] and each other."""
    aside = F.one_hot(directions.abs().argmin(-1), 3).to(directions)
    right = F.normalize(torch.linalg.cross(directions, aside), dim=-1)
    return right, torch.linalg.cross(directions, right)
