"""Whether a mesh's UVs give each piece of its surface texels of its own."""

import torch
from torch import Tensor

from ..meshes.mesh import Mesh
from .coverage import covered_pixels, doubled_area

OVERLAP, CRAMPED = 0.01, 0.02  # shares of the texels and of the surface up to which a layout is still good
LEAST_DENSITY = 1 / 64  # of the mean number of texels per area: a surface with fewer has none of its own
INSET = 0.98  # of a triangle's size: neighbours that share an edge must not count as overlapping


def can_be_painted(mesh: Mesh, height: int, width: int) -> bool:
    """True if UVs lie within 0-1, charts do not overlap, and hardly any surface lies on few texels.

    Mirrored halves that share a chart, tiled textures and palettes (all UVs on a few spots) are shared by several
    places: what is painted for one would show at the others.
    """
    if mesh.uvs is None or mesh.repeats or not len(mesh.faces):
        return False
    corners = (mesh.uvs * mesh.uvs.new_tensor([width, height]))[mesh.faces]
    return _cramped_share(mesh, corners) <= CRAMPED and _overlap_share(corners, height, width) <= OVERLAP


def _cramped_share(mesh: Mesh, corners: Tensor) -> float:
    """Share of the surface with far fewer texels than the mean; corners [M,3,2] texels."""
    area, texels = mesh.face_areas, doubled_area(corners).abs() / 2
    density = texels.sum() / area.sum().clamp_min(1e-30)
    cramped = texels < LEAST_DENSITY * density * area
    return float(area[cramped].sum() / area.sum().clamp_min(1e-30)) if float(density) > 0 else 1.0


def _overlap_share(corners: Tensor, height: int, width: int) -> float:
    """Share of the covered texels that more than one triangle covers."""
    middle = corners.mean(1, keepdim=True)
    counts = torch.zeros(height * width, dtype=torch.int32, device=corners.device)
    for _, x, y in covered_pixels(middle + INSET * (corners - middle), height, width):
        counts.index_add_(0, y * width + x, torch.ones_like(x, dtype=torch.int32))
    covered = int((counts > 0).sum())
    return float((counts > 1).sum()) / covered if covered else 1.0
