"""Fewer triangles for the same shape."""

from dataclasses import replace

import torch

from ..errors import BadInput
from .mesh import Mesh


def decimate(mesh: Mesh, faces: int) -> Mesh:
    """The mesh with at most about `faces` triangles; unchanged when it has no more than that.

    Quadric edge collapse (Garland & Heckbert 1997, by fast-simplification). Vertex colours and provenance are
    taken from the nearest old vertex; normals, UVs and texture are dropped, since new vertices fit none of them.
    """
    if faces < 4:
        raise BadInput(f"A solid cannot have {faces} faces; ask for at least 4.")
    if len(mesh.faces) <= faces:
        return mesh
    import fast_simplification
    from scipy.spatial import cKDTree

    device = mesh.vertices.device
    old = mesh.vertices.cpu().numpy()
    points, triangles = fast_simplification.simplify(old, mesh.faces.int().cpu().numpy(), target_count=faces)
    out = Mesh(torch.from_numpy(points).float().to(device), torch.from_numpy(triangles).long().to(device))
    if mesh.vertex_colors is None and mesh.provenance is None:
        return out
    nearest = torch.from_numpy(cKDTree(old).query(points)[1]).to(device)
    colors, provenance = (None if a is None else a[nearest] for a in (mesh.vertex_colors, mesh.provenance))
    return replace(out, vertex_colors=colors, provenance=provenance)
