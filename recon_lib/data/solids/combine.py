"""Boolean operations. All keep the 1-Lipschitz bound, as minima, maxima and convex combinations do."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .node import Node


def smooth_min(a: Tensor, b: Tensor, width: float) -> Tensor:
    """Smooth minimum of [N] and [N], rounded where they differ by less than `width` (quadratic, Quilez)."""
    if width <= 0:
        return torch.minimum(a, b)
    overlap = (width - (a - b).abs()).clamp_min(0)
    return torch.minimum(a, b) - overlap * overlap * (0.25 / width)


@dataclass(frozen=True)
class Union(Node):
    """Union of nodes, with joints filled over `width`."""

    nodes: tuple[Node, ...]
    width: float = 0.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        d = self.nodes[0].at(x, y, z)
        for node in self.nodes[1:]:
            d = smooth_min(d, node.at(x, y, z), self.width)
        return d


@dataclass(frozen=True)
class Intersection(Node):
    """Intersection of nodes, with edges rounded over `width`."""

    nodes: tuple[Node, ...]
    width: float = 0.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        d = self.nodes[0].at(x, y, z)
        for node in self.nodes[1:]:
            d = -smooth_min(-d, -node.at(x, y, z), self.width)
        return d


@dataclass(frozen=True)
class Difference(Node):
    """Difference of `body` and `cutter`, with edges rounded over `width`."""

    body: Node
    cutter: Node
    width: float = 0.0

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return -smooth_min(-self.body.at(x, y, z), self.cutter.at(x, y, z), self.width)


@dataclass(frozen=True)
class Shell(Node):
    """The wall of `thickness` under the surface of `node`; closed, so cut openings from it."""

    node: Node
    thickness: float

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        half = self.thickness / 2
        return (self.node.at(x, y, z) + half).abs() - half
