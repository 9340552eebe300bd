"""Placement and repetition: isometries and foldings of space, which keep the 1-Lipschitz bound."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .node import Node, length

Rotation = tuple[float, ...]  # row-major 3x3, local to parent


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Rotation:
    """Rotation about x, then y, then z; degrees."""
    cx, cy, cz = (math.cos(math.radians(a)) for a in (x, y, z))
    sx, sy, sz = (math.sin(math.radians(a)) for a in (x, y, z))
    return (
        *(cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
        *(sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
        *(-sy, cy * sx, cy * cx),
    )


@dataclass(frozen=True)
class Placed(Node):
    """`node` scaled, turned, then moved to `offset`."""

    node: Node
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: Rotation | None = None
    scale: float = 1.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        x, y, z = (c - o for c, o in zip((x, y, z), self.offset, strict=True))
        if self.turn is not None:  # the inverse: columns of the rotation
            t = self.turn
            x, y, z = ((x * t[i]).add_(y, alpha=t[i + 3]).add_(z, alpha=t[i + 6]) for i in range(3))
        if self.scale == 1.0:
            return self.node.at(x, y, z)
        return self.node.at(x / self.scale, y / self.scale, z / self.scale) * self.scale


def moved(node: Node, x: float = 0.0, y: float = 0.0, z: float = 0.0, turn: Rotation | None = None) -> Node:
    """`node` turned, then moved by (x, y, z)."""
    return Placed(node, (float(x), float(y), float(z)), turn)


def turned(node: Node, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Node:
    """`node` turned about x, then y, then z; degrees."""
    return Placed(node, turn=rotation(x, y, z))


@dataclass(frozen=True)
class Mirror(Node):
    """The half at positive coordinates, mirrored along each of `axes` ("x", "xz", ...)."""

    node: Node
    axes: str = "x"

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        x, y, z = (c.abs() if axis in self.axes else c for axis, c in zip("xyz", (x, y, z), strict=True))
        return self.node.at(x, y, z)


@dataclass(frozen=True)
class RadialArray(Node):
    """`count` copies around y of `node` near the +x axis.

    Space is folded like a kaleidoscope, so each copy is symmetric about its own plane (the half at z >= 0
    counts) and is cut at the border of its sector.
    """

    node: Node
    count: int

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        sector = 2 * math.pi / self.count
        angle = torch.atan2(z, x)
        angle = (angle - sector * torch.round(angle / sector)).abs()
        r = length(x, z)
        return self.node.at(r * angle.cos(), y, r * angle.sin())


@dataclass(frozen=True)
class LinearArray(Node):
    """`count` copies along x with the given `spacing`, centred; each copy is symmetric in its own x."""

    node: Node
    count: int
    spacing: float

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        middle = (self.count - 1) / 2
        cell = torch.round(x / self.spacing + middle).clamp(0, self.count - 1) - middle
        return self.node.at((x - cell * self.spacing).abs(), y, z)
