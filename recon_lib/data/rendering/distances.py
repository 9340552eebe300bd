"""Signed distances of points, and evenly spread surface points, for meshes of any quality."""

import numpy as np
import torch
from numpy.typing import NDArray

from ...meshes.mesh import Mesh

SURFACE_POINTS = 2048
CANDIDATES = 4  # times as many points are drawn, of which the farthest from each other stay
POINTS = 10240  # with distances
NEAR = ((0.40, 0.0045), (0.35, 0.015), (0.10, 0.1))  # fractions of the points, standard deviations off the surface
BALL = 1.05  # radius of the ball of the other points


def farthest_points(points: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """`count` of the points [N,3], each the farthest from those before it (Eldar et al. 1997); the first one begins."""
    chosen, squares = np.zeros(count, np.int64), (points**2).sum(-1)
    nearest = np.full(len(points), np.inf, np.float32)
    for i in range(1, count):
        last = points[chosen[i - 1]]
        np.minimum(nearest, squares - points @ (2 * last) + last @ last, out=nearest)
        chosen[i] = nearest.argmax()
    return points[chosen]


def surface_points(mesh: Mesh, seed: int, count: int = SURFACE_POINTS) -> NDArray[np.float16]:
    """Surface points [count,3], farthest from each other first, so that the first n are spread evenly as well."""
    return farthest_points(mesh.sample_surface(CANDIDATES * count, seed)[0].numpy(), count).astype(np.float16)


def signed_distances(mesh: Mesh, points: NDArray) -> NDArray[np.float32]:
    """Distances [N] of points [N,3] to the mesh, negative inside.

    Inside is a generalised winding number above one half (Barill et al. 2018), which needs no watertight mesh. libigl's
    own signed distance multiplies by that number, which is not 0 or 1 in open meshes and where bodies overlap.
    """
    import igl

    places, vertices, faces = points.astype(np.float64), mesh.vertices.double().numpy(), mesh.faces.numpy()
    squares = np.asarray(igl.point_mesh_squared_distance(places, vertices, faces)[0])
    inside = np.asarray(igl.fast_winding_number(vertices, faces, places)) > 0.5
    return np.where(inside, -1, 1).astype(np.float32) * np.sqrt(squares).astype(np.float32)


def distance_points(mesh: Mesh, seed: int, count: int = POINTS) -> NDArray[np.float16]:
    """Points [count,3] in random order: most near the surface, the others uniform in a ball around the object.

    LIST draws points 0.003, 0.01 and 0.07 off the surface of an object of side 1 (Arshad and Beksi 2023); these are
    1.5 times as far, as the object's sphere has radius 1. The uniform ones keep empty space empty.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = [round(share * count) for share, _ in NEAR]
    noise = torch.cat([torch.full((n, 1), std) for n, (_, std) in zip(counts, NEAR, strict=True)])
    near = mesh.sample_surface(len(noise), seed)[0] + noise * torch.randn(len(noise), 3, generator=generator)
    direction = torch.randn(count - len(noise), 3, generator=generator)
    radius = torch.rand(len(direction), 1, generator=generator) ** (1 / 3) * BALL
    points = torch.cat([near, direction / direction.norm(dim=-1, keepdim=True) * radius])
    return points[torch.randperm(count, generator=generator)].half().numpy()


def distance_row(mesh: Mesh, seed: int, count: int = POINTS, surface: int = SURFACE_POINTS) -> dict[str, NDArray]:
    """The columns of one object of a `shards.distances.DistanceShard`."""
    points = distance_points(mesh, seed, count)
    distance = signed_distances(mesh, points).astype(np.float16)
    return {"surface": surface_points(mesh, seed, surface), "points": points, "distance": distance}
