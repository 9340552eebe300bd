"""VolSDF's perceptrons as a field of the world."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..check import check_shape
from ..networks.volsdf.density import laplace_density
from ..networks.volsdf.perceptron import VolSDF
from .field import Radiance


@dataclass(frozen=True)
class PerceptronField:
    """Signed distance, density and colour of a `VolSDF` network, whose own frame is the world's moved and scaled.

    `radiance` can be trained on while gradients are enabled; everything else is without gradients.
    """

    module: VolSDF
    center: Tensor  # [3] world, the network's origin
    scale: float  # network units for each world unit
    bounds: Tensor  # [2,3] world
    has_color: bool = True

    @property
    def beta(self) -> Tensor:
        """Width of the density, a scalar, world units."""
        return self.module.density() / self.scale

    def to_network(self, points: Tensor) -> Tensor:
        """World points [..., 3] -> the network's frame."""
        return (points - self.center.to(points)) * self.scale

    @torch.no_grad()
    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> minus the signed distance [N], world units."""
        check_shape("points", points, "N", 3)
        return -self.module.to(points.device).distance(self.to_network(points)) / self.scale

    @torch.no_grad()
    def density(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N] per world unit."""
        return laplace_density(-self.inside(points), self.beta)

    @torch.no_grad()
    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """points [N,3] world, view directions [N,3] unit (default: straight at the surface) -> sRGB [N,3] in 0-1."""
        check_shape("points", points, "N", 3)
        return self.radiance(points, directions).color

    def radiance(self, points: Tensor, directions: Tensor | None = None) -> Radiance:
        """Density, colour and gradient at points [N,3] world in one pass; directions as for `color`."""
        own, module = self.to_network(points), self.module.to(points.device)
        distance, gradient, feature = module.distance_and_slope(own)
        if directions is None:
            directions = -torch.nn.functional.normalize(gradient, dim=-1)
        color = module.color(own, gradient, directions, feature)
        return Radiance(laplace_density(distance / self.scale, self.beta), color, gradient)
