"""Radiance fields whose renderings have closed forms, and a small triplane."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from recon_lib.networks.volsdf.density import laplace_density

BOX = torch.tensor([[-1.0, -1, -1], [1, 1, 1]])


@dataclass
class DistanceSolid:
    """A solid by its signed distance, with VolSDF's density, coloured by place."""

    distance: Callable[[Tensor], Tensor]  # [..., 3] -> [...], > 0 outside
    beta: float = 0.02
    bounds: Tensor = field(default_factory=BOX.clone)
    has_color = True

    def inside(self, points: Tensor) -> Tensor:
        return -self.distance(points)

    def density(self, points: Tensor) -> Tensor:
        return laplace_density(self.distance(points), self.beta)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        return (points + 1) / 2


@dataclass
class Ball:
    """Constant density inside a ball around the origin: a ray's optical depth is density times chord."""

    radius: float = 0.5
    sigma: float = 2.0
    bounds: Tensor = field(default_factory=BOX.clone)
    has_color = True
    tint = torch.tensor([0.9, 0.5, 0.1])

    def inside(self, points: Tensor) -> Tensor:
        return self.radius - points.norm(dim=-1)

    def density(self, points: Tensor) -> Tensor:
        return self.sigma * (self.inside(points) > 0).float()

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        return self.tint.expand_as(points)

    def chord(self, miss: Tensor) -> Tensor:
        """Length within the ball of rays that pass the centre at distances `miss`."""
        return 2 * (self.radius**2 - miss.square()).clamp_min(0).sqrt()


@dataclass
class GaussianFog:
    """Density peak exp(-|x|^2 / 2 width^2), coloured by the direction it is seen from."""

    peak: float = 3.0
    width: float = 0.2
    bounds: Tensor = field(default_factory=BOX.clone)
    has_color = True

    def inside(self, points: Tensor) -> Tensor:
        return self.density(points) - self.peak / 2

    def density(self, points: Tensor) -> Tensor:
        return self.peak * torch.exp(-points.square().sum(-1) / (2 * self.width**2))

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        return (directions + 1) / 2

    def depth_before(self, miss: Tensor, z: Tensor) -> Tensor:
        """Optical depth from far away to z, of rays along z that pass the centre at distances `miss`."""
        column = self.peak * self.width * math.sqrt(math.pi / 2) * torch.exp(-miss.square() / (2 * self.width**2))
        return column * (1 + torch.erf(z / (math.sqrt(2) * self.width)))


class Triplane(torch.nn.Module):
    """Features of three planes, added (Chan et al. 2022, "EG3D"): one for the density, three for the colour."""

    has_color, bounds = True, BOX

    def __init__(self, side: int = 8) -> None:
        super().__init__()
        self.planes = torch.nn.Parameter(
            0.5 * torch.randn(3, 4, side, side, generator=torch.Generator().manual_seed(0))
        )

    def features(self, points: Tensor) -> Tensor:
        axes = torch.stack([points[:, [0, 1]], points[:, [0, 2]], points[:, [1, 2]]])[:, :, None]  # [3,N,1,2]
        return F.grid_sample(self.planes, axes, align_corners=True)[..., 0].sum(0).T

    def inside(self, points: Tensor) -> Tensor:
        return self.density(points) - 1

    def density(self, points: Tensor) -> Tensor:
        return F.softplus(self.features(points)[:, 0])

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        return self.features(points)[:, 1:].sigmoid()
