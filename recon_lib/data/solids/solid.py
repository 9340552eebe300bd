"""Solids: parts of several materials, blended, carved and normalised to the unit ball."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...check import check_shape
from .combine import smooth_min
from .node import Node

CHUNK = 16384  # points at a time: the rows of a node's intermediate results stay in the processor's cache


@dataclass(frozen=True)
class Part:
    """One part of a solid."""

    node: Node
    material: int = 0  # index of its colour
    blend: float = 0.0  # width over which it blends with the parts before it


@dataclass(frozen=True)
class Solid:
    """Parts in a design frame, mapped to (design - centre) * scale: inside the unit ball when normalised.

    +y is up and +z the front, as in `cameras.camera`.
    """

    parts: tuple[Part, ...]
    colors: tuple[tuple[float, float, float], ...]  # sRGB 0-1, one per material
    carve: Node | None = None  # cut from everything at the end
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    family: str = ""

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] at points [N,3]: negative inside, at most the true distance."""
        return self._in_chunks(points, lambda *c: self.join([part.node.at(*c) for part in self.parts], c) * self.scale)

    def inside(self, points: Tensor) -> Tensor:
        """Negated distance [N], > 0 inside, as of a `fields.field.Field`."""
        return -self.distance(points)

    def part(self, points: Tensor) -> Tensor:
        """Material [N] int64 of the nearest part at points [N,3]."""
        check_shape("points", points, "N", 3)
        materials = torch.tensor([part.material for part in self.parts], device=points.device)

        def nearest(*c: Tensor) -> Tensor:
            best = torch.full_like(c[0], float("inf"))
            index = torch.zeros_like(c[0], dtype=torch.int64)
            for i, part in enumerate(self.parts):
                d = part.node.at(*c)
                closer = d < best
                best, index = torch.where(closer, d, best), index.masked_fill(closer, i)
            return index

        return materials[self._in_chunks(points, nearest)]

    def join(self, distances: list[Tensor], coordinates: tuple[Tensor, ...]) -> Tensor:
        """Distance of the solid [N] from those of its parts, [N] each, in the design frame."""
        d = distances[0]
        for part, other in zip(self.parts[1:], distances[1:], strict=True):
            d = smooth_min(d, other, part.blend)
        return d if self.carve is None else torch.maximum(d, -self.carve.at(*coordinates))

    def design(self, points: Tensor) -> Tensor:
        """Design coordinates, as rows [3,N], of points [N,3]."""
        return (points / self.scale + points.new_tensor(self.centre)).T.contiguous()

    def _in_chunks(self, points: Tensor, function) -> Tensor:
        check_shape("points", points, "N", 3)
        chunk = CHUNK if points.device.type == "cpu" else CHUNK * 64
        return torch.cat([function(*self.design(piece).unbind(0)) for piece in points.split(chunk)])
