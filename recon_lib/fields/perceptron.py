"""A solid that VolSDF's perceptrons know."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..check import check_shape
from ..networks.volsdf.perceptron import VolSDF


@dataclass(frozen=True)
class PerceptronField:
    """Signed distance and colour of a `VolSDF` network, whose own frame is the world's moved and scaled."""

    module: VolSDF  # evaluation mode
    center: Tensor  # [3] world, the network's origin
    scale: float  # network units for each world unit
    bounds: Tensor  # [2,3] world
    has_color: bool = True

    def to_network(self, points: Tensor) -> Tensor:
        """World points [..., 3] -> the network's frame."""
        return (points - self.center.to(points)) * self.scale

    @torch.no_grad()
    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> minus the signed distance [N], world units."""
        check_shape("points", points, "N", 3)
        return -self.module.to(points.device).distance(self.to_network(points)) / self.scale

    @torch.no_grad()
    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """points [N,3] world, view directions [N,3] unit (default: straight at the surface) -> sRGB [N,3] in 0-1."""
        check_shape("points", points, "N", 3)
        place = self.to_network(points)
        module = self.module.to(points.device)
        _, slope, feature = module.distance_and_slope(place)
        toward = -torch.nn.functional.normalize(slope, dim=-1) if directions is None else directions
        return module.color(place, slope, toward, feature)
