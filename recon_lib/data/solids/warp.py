"""Warps of space. Each divides by the largest stretch inside a ball, so the bound stays 1-Lipschitz."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .node import Node, length


@dataclass(frozen=True)
class Warp(Node):
    """`node` under a warp that is used only inside the ball of `radius`, which must contain the result.

    Outside, a point is first brought to the nearest point q of the ball: with f a bound at q, the hypotenuse
    of |p - q| and max(f(q), 0) is again a 1-Lipschitz bound, since projections on convex sets are firmly
    nonexpansive.
    """

    node: Node
    amount: float
    radius: float

    def stretch(self) -> float:
        """Upper bound of the warp's largest singular value inside the ball."""
        raise NotImplementedError

    def inner(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Distance of `node` at the warped coordinates, not yet divided by `stretch`."""
        raise NotImplementedError

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        distance = length(x, y, z)
        shrink = (self.radius / distance.clamp_min(1e-9)).clamp_max(1)
        beyond = (distance - self.radius).clamp_min(0)
        d = self.inner(x * shrink, y * shrink, z * shrink) / self.stretch()
        return torch.where(beyond > 0, length(beyond, d.clamp_min(0)), d)


def _shear_stretch(shear: float) -> float:
    """Largest singular value of a rotation that slips by `shear` per unit."""
    return (shear + math.sqrt(shear * shear + 4)) / 2


@dataclass(frozen=True)
class Twist(Warp):
    """Twist about y by `amount` radians per unit of height."""

    def stretch(self) -> float:
        return _shear_stretch(abs(self.amount) * self.radius)

    def inner(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        c, s = (y * self.amount).cos(), (y * self.amount).sin()
        return self.node.at(c * x - s * z, y, s * x + c * z)


@dataclass(frozen=True)
class Bend(Warp):
    """Bend about z by `amount` radians per unit along y: a rod becomes an arch (amount * radius under 0.8)."""

    def stretch(self) -> float:
        return 1 + abs(self.amount) * self.radius  # the slip may point along y

    def inner(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        c, s = (y * self.amount).cos(), (y * self.amount).sin()
        return self.node.at(c * x - s * y, s * x + c * y, z)


@dataclass(frozen=True)
class Taper(Warp):
    """Cross-sections scaled by 1 + amount * y, kept within 0.15 to 4."""

    def stretch(self) -> float:
        low = max(0.15, 1 - abs(self.amount) * self.radius)
        grow, shear = 1 / low, self.radius * abs(self.amount) / low**2  # |x| / s is at most radius / low
        total = grow * grow + shear * shear + 1
        return math.sqrt((total + math.sqrt(max(total * total - 4 * grow * grow, 0))) / 2)

    def inner(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        scale = (1 + self.amount * y).clamp(0.15, 4)
        return self.node.at(x / scale, y, z / scale)


@dataclass(frozen=True)
class Bumpy(Node):
    """`node` with waves of `height` and `frequency` (radians per unit) on it: leaves, stones, knits."""

    node: Node
    height: float
    frequency: float

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        f = self.frequency
        waves = (x * f).sin() * (y * f).sin() * (z * f).sin()  # gradient at most f
        return (self.node.at(x, y, z) + waves * self.height) / (1 + self.height * f)
