"""Colours of a mesh at points of its surface and at its vertices."""

import torch
from torch import Tensor

from ..check import check_shape
from ..meshes.mesh import Mesh
from .mesh import sample_texture


def surface_colors(mesh: Mesh, points: Tensor, face: Tensor) -> Tensor | None:
    """Albedo [P,3] sRGB 0-1 at points [P,3] on the faces numbered `face` [P]; None for a mesh without colours."""
    check_shape("points", points, "P", 3)
    check_shape("face", face, len(points))
    weights = barycentric(points, mesh.triangles[face])[..., None].to(points)
    if mesh.texture is not None and mesh.uvs is not None:
        return sample_texture(mesh.texture, (weights * mesh.uvs[mesh.faces[face]]).sum(1), repeat=mesh.repeats)
    if mesh.vertex_colors is not None:
        return (weights * mesh.vertex_colors[mesh.faces[face]]).sum(1)
    return None


def vertex_colors(mesh: Mesh) -> Tensor | None:
    """Albedo [N,3] sRGB 0-1 at the vertices, the texture's if there is one; None for a mesh without colours."""
    if mesh.texture is not None and mesh.uvs is not None:
        return sample_texture(mesh.texture, mesh.uvs, repeat=mesh.repeats)
    return mesh.vertex_colors


def barycentric(points: Tensor, triangles: Tensor) -> Tensor:
    """Weights [P,3] float64, sum 1, of the corners of triangles [P,3,3] at points [P,3] in their planes.

    Triangles without area give a third each.
    """
    points, (a, b, c) = points.double(), triangles.double().unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    corners = torch.stack([a, b, c], 1)
    opposite = torch.linalg.cross(corners.roll(-1, 1) - points[:, None], corners.roll(-2, 1) - points[:, None])
    area = (opposite * normal[:, None]).sum(-1)
    total = area.sum(1, keepdim=True)
    return torch.where(total > 0, area / torch.where(total > 0, total, torch.ones_like(total)), 1 / 3)
