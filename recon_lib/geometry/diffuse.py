"""Smooth values over a surface from values known on a part of it."""

import torch
from torch import Tensor

from .mesh import Mesh

CREASE_POWER, LEAK = 8, 0.01  # across 10 degrees flows 88 %, across 45 degrees 6 %
PULL = 1e-6  # towards the mean, per vertex: what no edge connects to a known vertex still gets a value


def diffuse(mesh: Mesh, values: Tensor, known: Tensor) -> Tensor:
    """Harmonic extension: known vertices keep their value, every other one is the mean of its neighbours.

    values [N,C], known [N] bool (at least one) -> [N,C]. Follows the surface, so that thin parts do not take the
    colour of what stands behind them, and fades without streaks. Vertices at one position count as one.
    Edges weigh 1 / length (a discrete Laplacian that needs no good triangles), and less where the surface turns:
    paint, too, tends to end at creases.
    """
    import numpy as np
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import splu

    same = same_positions(mesh.vertices.cpu())
    count = int(same.max()) + 1
    edges = mesh.faces.cpu()[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    length = (mesh.vertices.cpu()[edges[:, 0]] - mesh.vertices.cpu()[edges[:, 1]]).norm(dim=-1)
    normals = mesh.with_normals().vertex_normals.cpu()
    turn = (normals[edges[:, 0]] * normals[edges[:, 1]]).sum(-1).clamp_min(0) ** CREASE_POWER
    weight = ((turn + LEAK) / length.clamp_min(float(length.mean()) * 1e-3 + 1e-12)).double().numpy()
    a, b = same[edges].numpy().T
    graph = coo_matrix((weight, (a, b)), shape=(count, count)).tocsr()
    graph = graph + graph.T
    fixed = np.zeros(count, dtype=bool)
    target = np.zeros((count, values.shape[1]))
    fixed[same[known.cpu()].numpy()] = True
    target[same[known.cpu()].numpy()] = values[known].double().cpu().numpy()
    if not fixed.all():
        degree = np.asarray(graph.sum(1)).ravel()
        pull = PULL * max(float(degree.mean()), 1.0)
        system = (diags(degree + pull) - graph)[~fixed]
        sources = pull * target[fixed].mean(0) - system[:, fixed] @ target[fixed]
        target[~fixed] = splu(system[:, ~fixed].tocsc()).solve(sources)
    return torch.from_numpy(target[same.numpy()]).to(values)


def same_positions(points: Tensor) -> Tensor:
    """A number for each distinct position in points [N,3] -> [N] int64 from 0, without gaps."""
    number = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    for axis in points.unbind(-1):  # axis by axis: many times faster than torch.unique(dim=0)
        _, place = torch.unique(axis, return_inverse=True)
        _, number = torch.unique(number * len(points) + place, return_inverse=True)
    return number
