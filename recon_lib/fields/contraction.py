"""From the world into the unit cube of a grid: a box as it is, or all of space contracted (Barron et al. 2022).

Mip-NeRF 360's equation 10 leaves the unit ball as it is and maps what lies outside of it into a shell up to radius 2:
x -> (2 - 1/|x|) x/|x|.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..check import check_shape
from ..errors import BadInput

NEAR, FAR = 0.05, 100.0  # of the radius: between these distances from a camera a contracted scene is looked at


@dataclass(frozen=True)
class Frame:
    """A cube of the world around `center`, or all of space around a ball."""

    center: Tensor  # [3] world, on the CPU
    radius: float  # half the cube's side, or the radius of the ball that stays as it is, world units
    contracted: bool = False

    def __post_init__(self) -> None:
        check_shape("centre", self.center, 3)
        if not self.radius > 0:
            raise BadInput(f"A scene of radius {self.radius} is empty; give it an extent.")

    @classmethod
    def within(cls, bounds: Tensor) -> "Frame":
        """The cube around bounds [2,3] with the same centre."""
        check_shape("bounds", bounds, 2, 3)
        low, high = bounds.detach().float().cpu()
        return cls((low + high) / 2, float((high - low).max()) / 2)

    @property
    def bounds(self) -> Tensor:
        """[2,3] world: the cube, or that around the ball."""
        return torch.stack([self.center - self.radius, self.center + self.radius])

    @property
    def unit(self) -> float:
        """World units that are as long as the unit cube's side, at the centre."""
        return self.radius * (4 if self.contracted else 2)

    @property
    def ends(self) -> tuple[float, float]:
        """Distances from a camera between which a contracted scene is looked at, world units."""
        return NEAR * self.radius, FAR * self.radius

    def to_unit(self, points: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """Points [...,3] and standard deviations [...] around them, world, in units of the cube.

        A contracted width is scaled by the cubic root of the contraction's determinant, as in Zip-NeRF.
        """
        x, scale = (points - self.center.to(points)) / self.radius, 1 / self.unit
        if not self.contracted:
            return x / 2 + 0.5, widths * scale
        contracted, shrinkage = contract(x)
        return contracted / 4 + 0.5, widths * scale * shrinkage


def contract(x: Tensor) -> tuple[Tensor, Tensor]:
    """Contraction of points [...,3] into the ball of radius 2, and how much lengths shrink there in the mean [...]."""
    norm = x.norm(dim=-1, keepdim=True).clamp_min(1)
    tangential = (2 - 1 / norm) / norm
    shrinkage = (tangential.square() / norm.square()) ** (1 / 3)  # eigenvalues 1/|x|^2 along x, `tangential` twice
    return x * tangential, shrinkage[..., 0]
