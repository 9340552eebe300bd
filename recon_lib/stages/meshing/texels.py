"""Texels: the points of a mesh's surface that the pixels of its texture show."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...meshes.mesh import Mesh
from ...progress import unchecked
from ...render.fill import fill_nearest
from ...render.mesh import creased_normals
from ...render.rasterize import Fragments, rasterize_uv


@dataclass(frozen=True)
class Texels:
    """Surface points and normals of the P texels that the charts cover."""

    fragments: Fragments
    corner_normals: Tensor  # [M,3,3] unit, world
    points: Tensor  # [P,3] world
    normals: Tensor  # [P,3] unit, world

    @classmethod
    def of(cls, mesh: Mesh, height: int, width: int, check: Callable[[], None] = unchecked) -> "Texels":
        """Texels of a mesh with UVs in a texture of height x width."""
        fragments = rasterize_uv(mesh.uvs, mesh.faces, height, width, check)
        check()
        corner_normals = creased_normals(mesh.with_normals())
        check()
        layers = torch.cat([mesh.triangles, corner_normals], -1)
        points, normals = fragments.interpolate_seen(layers).split(3, -1)
        return cls(fragments, corner_normals, points, F.normalize(normals, dim=-1))

    def spread(self, mesh: Mesh, values: Tensor) -> Tensor:
        """Vertex values [N,C] at the texels [P,C]."""
        return self.fragments.interpolate_seen(values[mesh.faces])

    def gathered(self, mesh: Mesh, values: Tensor, used: Tensor) -> tuple[Tensor, Tensor]:
        """Means at the vertices [N,C] of texel values [P,C], over those texels around that are `used` [P] bool.

        -> the means, and whether there are any [N] bool. The adjoint of `spread`.
        """
        seen = self.fragments.mask
        corners, weights = mesh.faces[self.fragments.face[seen][used]], self.fragments.barycentric[seen][used]
        weighted = torch.cat([values[used], torch.ones_like(values[used, :1])], -1)
        total = values.new_zeros(len(mesh.vertices), weighted.shape[1])
        for corner in range(3):
            total.index_add_(0, corners[:, corner], weighted * weights[:, corner : corner + 1])
        return total[:, :-1] / total[:, -1:].clamp_min(1e-6), total[:, -1] > 1e-3

    def image(self, colors: Tensor) -> Tensor:
        """Texel colours [P,3] as a texture [3,H,W] without gaps."""
        covered = self.fragments.mask[0]
        texture = colors.new_zeros(3, *covered.shape)
        texture[:, covered] = colors.T
        return fill_nearest(texture, covered).clamp(0, 1)
