"""Solids from closed polygons: revolved around y (`Lathe`) or extruded along z (`Extrude`)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .node import Node, length, outside_corner

Outline = tuple[tuple[float, float], ...]  # corners of a closed polygon, either way round


def polygon_distance(u: Tensor, v: Tensor, outline: Outline, axis: bool = False) -> Tensor:
    """Exact signed distance [N] to a polygon in the plane, at coordinates u, v [N].

    The sign is the parity of the edges that a ray towards +u crosses. With `axis`, edges on u = 0 are no
    boundary: they close a half profile whose other half is its mirror image.
    """
    squared = torch.full_like(u, float("inf"))
    inside = torch.zeros_like(u, dtype=torch.bool)
    above = v >= outline[-1][1]
    for (au, av), (bu, bv) in zip((outline[-1], *outline[:-1]), outline, strict=True):
        eu, ev = bu - au, bv - av
        wu, wv = u - au, v - av
        above_a, above = above, v >= bv
        if ev:
            left = wu < wv * (eu / ev)
            inside ^= (above_a ^ above) & left
        if axis and au == 0 and bu == 0:
            continue
        scale = 1 / max(eu * eu + ev * ev, 1e-12)
        fraction = (wu * (eu * scale)).add_(wv, alpha=ev * scale).clamp_(0, 1)
        wu.sub_(fraction, alpha=eu)
        wv.sub_(fraction, alpha=ev)
        squared = torch.minimum(squared, torch.addcmul(wu * wu, wv, wv))
    distance = squared.sqrt()
    return torch.where(inside, -distance, distance)


@dataclass(frozen=True)
class Lathe(Node):
    """Solid of revolution of the half profile `outline` (radius >= 0, height) around y. Exact."""

    outline: Outline

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return polygon_distance(length(x, z), y, self.outline, axis=True)


@dataclass(frozen=True)
class Extrude(Node):
    """Extrusion of an outline in the xy plane, z = -half to half, edges rounded by `round`. Exact up to rounding."""

    outline: Outline
    half: float
    round: float = 0.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        r = min(self.round, self.half)
        return outside_corner(polygon_distance(x, y, self.outline) + r, z.abs() - (self.half - r)) - r
