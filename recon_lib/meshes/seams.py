"""Vertices at one position, as the seams of UVs and of normals leave them, counted as one."""

import torch
from torch import Tensor

from .mesh import Mesh

DIRECTION = torch.tensor([0.6180339887, 0.7548776662, 0.2211249135], dtype=torch.float64)  # no mesh is aligned with it


def same_positions(points: Tensor) -> Tensor:
    """A number for each distinct position in points [N,3] -> [N] int64 from 0, without gaps.

    Where all differ, as an extraction's do, they are numbered in order, and sooner.
    """
    if len(torch.unique(points.double() @ DIRECTION.to(points.device))) == len(points):
        return torch.arange(len(points), device=points.device)
    number = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    for axis in points.unbind(-1):  # axis by axis: many times faster than torch.unique(dim=0)
        _, rank = torch.unique(axis, return_inverse=True)
        _, number = torch.unique(number * len(points) + rank, return_inverse=True)
    return number


def welded(mesh: Mesh) -> tuple[Mesh, Tensor]:
    """The bare shape with one vertex for each position, without triangles of fewer than three, and the number [N] of
    each vertex of the mesh in it. On the CPU.
    """
    number = same_positions(mesh.vertices.cpu())
    vertices = torch.empty(int(number.max()) + 1 if len(number) else 0, 3)
    vertices[number] = mesh.vertices.float().cpu()
    faces = number[mesh.faces.cpu()]
    distinct = (faces.sort(1).values.diff(dim=1) > 0).all(1)
    return Mesh(vertices, faces[distinct], origin=mesh.origin), number
