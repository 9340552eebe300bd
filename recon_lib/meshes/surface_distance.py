"""How far points are from a mesh's surface."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_shape
from ..progress import unchecked
from .mesh import Mesh
from .nearest_points import NearestPoints

NEIGHBOURS = 8  # samples whose triangles are tried for each point


def distance_to_triangles(points: Tensor, triangles: Tensor) -> Tensor:
    """Exact distances of points [N,3] from one triangle each [N,3,3]: [N] float64."""
    check_shape("points", points, "N", 3)
    check_shape("triangles", triangles, len(points), 3, 3)
    points, triangles = points.double(), triangles.double()
    corners = triangles.unbind(1)
    normal = F.normalize(torch.linalg.cross(corners[1] - corners[0], corners[2] - corners[0]), dim=-1)
    above = normal.square().sum(-1) > 0  # False for triangles without area: only their edges count
    nearest = torch.full_like(points[:, 0], torch.inf)
    for start, end in zip(corners, (*corners[1:], corners[0]), strict=True):
        edge, offset = end - start, points - start
        position_on_edge = ((offset * edge).sum(-1) / edge.square().sum(-1).clamp_min(1e-300)).clamp(0, 1)
        nearest = torch.minimum(nearest, (offset - position_on_edge[:, None] * edge).norm(dim=-1))
        above &= (torch.linalg.cross(normal, edge) * offset).sum(-1) >= 0
    height = (normal * (points - corners[0])).sum(-1).abs()
    return torch.where(above, height, nearest)


def distance_to_surface(
    points: Tensor, mesh: Mesh, samples: int = 100_000, seed: int = 0, check: Callable[[], None] = unchecked
) -> Tensor:
    """Distances of points [N,3] from the mesh: [N] float64.

    Exact distances from the triangles of the 8 nearest of `samples` random surface points: never too small, and
    too large only where the nearest triangle is so thin that none of its samples is among them.
    """
    check_shape("points", points, "N", 3)
    cloud, _, face = mesh.sample_surface(samples, seed)
    count = min(NEIGHBOURS, samples)
    nearest = NearestPoints(cloud, check).query(points, count)[1].reshape(len(points), count)
    distance = points.new_full((len(points),), torch.inf, dtype=torch.float64)
    for column in nearest.unbind(1):
        check()
        distance = torch.minimum(distance, distance_to_triangles(points, mesh.triangles[face[column]]))
    return distance
