"""A radiance field on a multiresolution grid, in a box or, contracted, in all of space (after Zip-NeRF).

What the radiance fit returns. It asks the grid with the width of the cone that a pixel sees, where that is known.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..check import check_shape
from ..networks.radiance.model import RadianceModel
from .contraction import Frame
from .field import Cones, Radiance

MOST_LOG = 12.0  # of the density times the spacing: far beyond opaque, and its exponential is finite
BUMPS = 8.0  # spacings, of the surface
OUTSIDE = -20.0  # logarithm of the density beyond the bounds


@dataclass(frozen=True)
class RadianceGrid:
    """Density exp(model) / spacing and colour. The surface lies where the density falls to `level` / spacing."""

    module: RadianceModel  # called module so that hosts can take it off the device
    frame: Frame
    spacing: float  # of the finest level's nodes, world units at the frame's centre
    level: float = 0.2  # optical depth of one spacing at the surface: less than that of a start's inside
    width: float = 0.0  # standard deviation of the cones, world units, where nobody tells
    multisamples: int = 1  # points that a cone's sample is read at: 1, or Zip-NeRF's 6
    directional: bool = True  # colours depend on the direction they are seen from
    proposal: "RadianceGrid | None" = None  # a coarse field that says where a contracted scene's rays need samples
    has_color: bool = True

    @property
    def bounds(self) -> Tensor:
        """[2,3] world: of the box, or of what is not contracted."""
        return self.frame.bounds

    @property
    def bumps(self) -> float:
        """World units, see `Field`."""
        return BUMPS * self.spacing

    @torch.no_grad()
    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> logarithm of the density over that of the surface [N]: near it about linear."""
        log_density = self._read(self._cones(points, None))[0]
        return log_density - torch.tensor(self.level).log().to(log_density)

    def density(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N] per world unit."""
        return self._density(self._read(self._cones(points, None))[0])

    @torch.no_grad()
    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """points [N,3] world, view directions [N,3] unit (default: whatever the direction) -> sRGB [N,3] in 0-1."""
        return self.radiance(points, directions).color

    def radiance(self, points: Tensor, directions: Tensor | None = None) -> Radiance:
        """Density and colour at points [N,3] world in one pass, differentiable in the module's parameters."""
        return self.cone_radiance(self._cones(points, directions))

    def cone_radiance(self, cones: Cones) -> Radiance:
        """Density and colour of cones' samples, in one pass, differentiable in the module's parameters."""
        log_density, features = self._read(cones)
        directions = cones.directions if self.directional else torch.zeros_like(cones.directions)
        return Radiance(self._density(log_density), self.module.color(features, directions))

    def _cones(self, points: Tensor, directions: Tensor | None) -> Cones:
        check_shape("points", points, "N", 3)
        directions = torch.zeros_like(points) if directions is None else directions
        return Cones(points[:, None], points.new_full((len(points), 1), self.width), directions)

    def _read(self, cones: Cones) -> tuple[Tensor, Tensor]:
        module = self.module.to(cones.points.device)
        log_density, features = module.read(*self.frame.to_unit(cones.points, cones.widths))
        if not self.frame.contracted:
            low, high = self.bounds.to(cones.points)
            middle = cones.points.mean(1)
            log_density = torch.where(((middle < low) | (middle > high)).any(-1), OUTSIDE, log_density)
        return log_density, features

    def _density(self, log_density: Tensor) -> Tensor:
        return log_density.clamp_max(MOST_LOG).exp() / self.spacing
