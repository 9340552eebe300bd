"""Samples of a surface of very many triangles, which exchange values with a coarser copy of it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...meshes.mesh import Mesh
from ...meshes.nearest_points import NearestPoints
from ...progress import unchecked

NEIGHBOURS = 3


@dataclass(frozen=True)
class NearSamples:
    """P points near the surface of a coarser mesh, whose vertices they read by distance. As `Texels`, without image."""

    points: Tensor  # [P,3] world
    normals: Tensor  # [P,3] unit
    nearest: Tensor  # [P,K] int64, vertices of the coarser mesh
    weights: Tensor  # [P,K], sum 1

    @classmethod
    def of(cls, points: Tensor, normals: Tensor, coarse: Mesh, check: Callable[[], None] = unchecked) -> "NearSamples":
        tree = NearestPoints(coarse.vertices.cpu(), check)
        distance, nearest = tree.query(points.cpu(), min(NEIGHBOURS, len(coarse.vertices)))
        weights = 1 / distance.view(len(points), -1).clamp_min(1e-9)
        weights = (weights / weights.sum(1, keepdim=True)).to(points)
        return cls(points, normals, nearest.view(len(points), -1).to(points.device), weights)

    def spread(self, mesh: Mesh, values: Tensor) -> Tensor:
        """Vertex values [N,C] of the coarser mesh at the points [P,C]."""
        return (values[self.nearest] * self.weights[..., None]).sum(1)

    def gathered(self, mesh: Mesh, values: Tensor, used: Tensor) -> tuple[Tensor, Tensor]:
        """Means at the coarser mesh's vertices [N,C] of the values [P,C] of `used` [P] points; whether any are."""
        total = values.new_zeros(len(mesh.vertices), values.shape[1] + 1)
        weighted = torch.cat([values[used], torch.ones_like(values[used, :1])], -1)
        for column in range(self.nearest.shape[1]):
            total.index_add_(0, self.nearest[used, column], weighted * self.weights[used, column : column + 1])
        return total[:, :-1] / total[:, -1:].clamp_min(1e-6), total[:, -1] > 1e-3
