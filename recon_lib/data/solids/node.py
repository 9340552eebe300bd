"""Nodes: the distance functions of which solids are trees, evaluated on batches of coordinates."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...check import check_shape


@dataclass(frozen=True)
class Node:
    """A solid as a signed distance bound: negative inside, 0 on the surface, positive outside.

    The bound never overshoots: the value is 1-Lipschitz, so a step of that length cannot cross the surface.
    Sizes are Python floats, so a node works on any device.
    """

    def at(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Signed distance bound [N] at coordinates x, y, z, each [N] (three rows are faster than [N,3])."""
        raise NotImplementedError

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance bound [N] at points [N,3]."""
        check_shape("points", points, "N", 3)
        return self.at(*points.T.contiguous().unbind(0))


def length(*parts: Tensor) -> Tensor:
    """Euclidean norm of vectors by their components, each [N]."""
    squared = parts[0] * parts[0]
    for part in parts[1:]:
        squared = torch.addcmul(squared, part, part)
    return squared.sqrt()


def outside_corner(*parts: Tensor) -> Tensor:
    """Distance to the corner that the half-spaces `part <= 0` form, exact outside, the nearest face inside."""
    outside = length(*(part.clamp_min(0) for part in parts))
    nearest = parts[0]
    for part in parts[1:]:
        nearest = torch.maximum(nearest, part)
    return outside + nearest.clamp_max(0)
