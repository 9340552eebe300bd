"""Primitive solids around the origin; the axis of those that have one is y."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .node import Node, length, outside_corner


@dataclass(frozen=True)
class Ball(Node):
    """Exact."""

    radius: float

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return length(x, y, z) - self.radius


@dataclass(frozen=True)
class Box(Node):
    """Edges rounded by `round` (inside the given half sizes). Exact."""

    half: tuple[float, float, float]
    round: float = 0.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        r = min(self.round, *self.half)
        a, b, c = self.half
        return outside_corner(x.abs() - (a - r), y.abs() - (b - r), z.abs() - (c - r)) - r


@dataclass(frozen=True)
class Cylinder(Node):
    """Along y, rims rounded by `round`. Exact."""

    radius: float
    half: float
    round: float = 0.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        r = min(self.round, self.radius, self.half)
        return outside_corner(length(x, z) - (self.radius - r), y.abs() - (self.half - r)) - r


@dataclass(frozen=True)
class Cone(Node):
    """Frustum along y from radius `bottom` at -half to `top` at +half; `round` swells it. Exact (Quilez)."""

    bottom: float
    top: float
    half: float
    round: float = 0.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        r, h = length(x, z), self.half
        rim = torch.where(y < 0, self.bottom, self.top)
        cap_r, cap_y = r - torch.minimum(r, rim), y.abs() - h
        slope_r, slope_y = self.top - self.bottom, 2 * h
        fraction = ((self.top - r) * slope_r + (h - y) * slope_y) / (slope_r**2 + slope_y**2)
        fraction = fraction.clamp(0, 1)
        side_r, side_y = r - self.top + slope_r * fraction, y - h + slope_y * fraction
        squared = torch.minimum(cap_r * cap_r + cap_y * cap_y, side_r * side_r + side_y * side_y)
        sign = torch.where((side_r < 0) & (cap_y < 0), -1.0, 1.0)
        return sign * squared.sqrt() - self.round


@dataclass(frozen=True)
class Torus(Node):
    """Ring of radius `ring` around y, tube of radius `tube`. Exact."""

    ring: float
    tube: float

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return length(length(x, z) - self.ring, y) - self.tube


@dataclass(frozen=True)
class Superquadric(Node):
    """|x/a|^(2/e), ... with exponents `east` (xz plane) and `north` (along y), both in (0, 2] (Barr 1981).

    1, 1 is an ellipsoid, towards 0 a box, 2 an octahedron. Its gauge h (degree 1, a norm) is Lipschitz with
    1 / inscribed radius, which gives the bound (h - 1) * inscribed radius; the bounding box sharpens it.
    """

    radii: tuple[float, float, float]
    east: float = 1.0
    north: float = 1.0

    def _inscribed(self) -> float:
        # |v|_p <= 2^(1/p - 1/2) |v|_2 in the plane for p < 2, <= |v|_2 for p >= 2, with p = 2 / e
        excess = max(0.0, self.east / 2 - 0.5) + max(0.0, self.north / 2 - 0.5)
        return min(self.radii) * 2**-excess

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        a, b, c = self.radii
        box = outside_corner(x.abs() - a, y.abs() - b, z.abs() - c)
        if self.east == self.north == 1.0:
            gauge = length(x / a, y / b, z / c)
        else:
            flat = _p_norm(x.abs() / a, z.abs() / c, 2 / self.east)
            gauge = _p_norm(flat, y.abs() / b, 2 / self.north)
        return torch.maximum((gauge - 1) * self._inscribed(), box)


def _p_norm(u: Tensor, v: Tensor, p: float) -> Tensor:
    """(u^p + v^p)^(1/p) of non-negative [N], scaled by the larger so that high powers cannot overflow."""
    big, small = torch.maximum(u, v).clamp_min(1e-9), torch.minimum(u, v)
    return big * (1 + (small / big) ** p) ** (1 / p)


def ellipsoid(a: float, b: float, c: float) -> Superquadric:
    """Ellipsoid of the given radii."""
    return Superquadric((a, b, c))


@dataclass(frozen=True)
class Tube(Node):
    """A chain of capsules through `points` whose radius runs linearly from joint to joint.

    The radius along the nearest point of each piece is used, divided by that piece's Lipschitz constant
    sqrt(1 + slope^2): exact where radii are equal.
    """

    points: tuple[tuple[float, float, float], ...]
    radii: tuple[float, ...]

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        best = None
        for a, b, ra, rb in zip(self.points, self.points[1:], self.radii, self.radii[1:], strict=False):
            d = _capsule(x, y, z, a, b, ra, rb)
            best = d if best is None else torch.minimum(best, d)
        return best


def _capsule(x: Tensor, y: Tensor, z: Tensor, a, b, ra: float, rb: float) -> Tensor:
    """One piece of a `Tube`."""
    ex, ey, ez = (q - p for p, q in zip(a, b, strict=True))
    squared = max(ex * ex + ey * ey + ez * ez, 1e-12)
    wx, wy, wz = x - a[0], y - a[1], z - a[2]
    fraction = (wx * (ex / squared)).add_(wy, alpha=ey / squared).add_(wz, alpha=ez / squared).clamp_(0, 1)
    distance = length(wx.sub_(fraction, alpha=ex), wy.sub_(fraction, alpha=ey), wz.sub_(fraction, alpha=ez))
    if ra == rb:
        return distance - ra
    slope = (rb - ra) / math.sqrt(squared)
    return (distance - ra).sub_(fraction, alpha=rb - ra) / math.sqrt(1 + slope * slope)


def capsule(a: tuple[float, float, float], b: tuple[float, float, float], radius: float) -> Tube:
    """Straight rod with round ends."""
    return Tube((a, b), (radius, radius))
