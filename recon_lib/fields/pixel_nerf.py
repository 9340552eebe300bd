"""PixelNeRF as a radiance field: what a network makes of a few posed views, inside their visual hull."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..networks.view_diffusion.encoder import EncodedViews
from ..networks.view_diffusion.pixel_nerf import PixelNerf, in_picture, read_pixels
from .field import Radiance

RADIUS = 1.0  # of the ball in which objects lie, world units
OUTLINE = 0.02  # coverage of a pixel from which a ray through it may meet the object
SURFACE = 10.0  # density that counts as the surface, per world unit


@dataclass(frozen=True)
class PixelNerfField:
    """Radiance field of encoded views. `radiance` answers with the features beside the colours, [N,3+F]."""

    network: PixelNerf
    views: EncodedViews
    bounds: Tensor = field(default_factory=lambda: torch.tensor([[-RADIUS] * 3, [RADIUS] * 3]))
    has_color: bool = True

    def inside(self, points: Tensor) -> Tensor:
        return self.density(points) - SURFACE

    def density(self, points: Tensor) -> Tensor:
        directions = torch.nn.functional.normalize(-points, dim=-1)
        return self.network(self.views, points, directions)[0] * self.in_hull(points)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        directions = torch.nn.functional.normalize(-points, dim=-1) if directions is None else directions
        return self.network(self.views, points, directions)[1]

    def radiance(self, points: Tensor, directions: Tensor) -> Radiance:
        """Radiance at points [N,3] of the hull; elsewhere there is nothing, and samplers don't ask there."""
        density, color, features = self.network(self.views, points, directions)
        return Radiance(density, torch.cat([color, features], -1))

    @torch.no_grad()
    def in_hull(self, points: Tensor) -> Tensor:
        """Whether points [N,3] lie in the ball and on the mask of every view that shows their place, [N] bool."""
        cameras = self.views.cameras
        pixels, depth = cameras.project(points)
        masked = read_pixels(self.views.masks, pixels, cameras)[..., 0] > OUTLINE
        seen = masked | ~in_picture(pixels, depth, cameras)
        return seen.all(0) & (points.norm(dim=-1) < RADIUS)
