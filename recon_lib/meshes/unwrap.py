"""Texture coordinates: the surface cut into flat charts that are packed into one square."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import BadInput
from .mesh import Mesh

# xatlas's parametrisation grows faster than linearly with a chart's faces; charts of at most this share of the
# surface keep 20,000 faces near one second and cost little more seam.
CHART_SHARE = 1 / 80
PADDING = 3  # texels between charts


@dataclass(frozen=True)
class Unwrapped:
    """A mesh with UVs and where its vertices come from (a vertex on a seam is there once per chart)."""

    mesh: Mesh
    source: Tensor  # [N] int64, vertex of the mesh before the cut


def unwrap(mesh: Mesh, size: int = 1024) -> Unwrapped:
    """Cut and flatten `mesh` for a texture of `size` x `size` texels (xatlas). Charts do not overlap.

    Normals are made before the cut, so that seams do not show in the shading; all other vertex values are kept.
    """
    if not len(mesh.faces):
        raise BadInput("The mesh has no faces to unwrap; check the stage that made it.")
    import numpy as np
    import xatlas

    mesh = mesh.with_normals()
    chart_options, pack_options = xatlas.ChartOptions(), xatlas.PackOptions()
    chart_options.max_chart_area = CHART_SHARE * float(mesh.face_areas.sum())
    pack_options.resolution, pack_options.padding = size, PADDING
    atlas = xatlas.Atlas()
    atlas.add_mesh(mesh.vertices.cpu().numpy(), mesh.faces.cpu().numpy().astype(np.uint32))
    atlas.generate(chart_options, pack_options)
    source, faces, uvs = atlas[0]
    device = mesh.vertices.device
    source = torch.from_numpy(source.astype(np.int64)).to(device)
    cut = replace(
        mesh,
        vertices=mesh.vertices[source],
        faces=torch.from_numpy(faces.astype(np.int64)).to(device),
        vertex_normals=mesh.vertex_normals[source],
        vertex_colors=None if mesh.vertex_colors is None else mesh.vertex_colors[source],
        provenance=None if mesh.provenance is None else mesh.provenance[source],
        uvs=torch.from_numpy(uvs).float().to(device),
        texture=None,
    )
    return Unwrapped(cut, source)
