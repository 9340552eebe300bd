"""Smooth values over a surface from values known on a part of it."""

import torch
from torch import Tensor

from .mesh import Mesh

PULL = 1e-6  # towards the mean, per vertex: what no edge connects to a known vertex still gets a value


def diffuse(mesh: Mesh, values: Tensor, known: Tensor) -> Tensor:
    """Harmonic extension: known vertices keep their value, every other one is the mean of its neighbours.

    values [N,C], known [N] bool (at least one) -> [N,C]. Follows the surface, so that thin parts do not take the
    colour of what stands behind them, and fades without streaks. Vertices at one position count as one.
    Edges weigh 1 / length (a discrete Laplacian that needs no good triangles).
    """
    import numpy as np
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import splu

    _, same = torch.unique(mesh.vertices.cpu(), dim=0, return_inverse=True)
    count = int(same.max()) + 1
    edges = mesh.faces.cpu()[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    length = (mesh.vertices.cpu()[edges[:, 0]] - mesh.vertices.cpu()[edges[:, 1]]).norm(dim=-1)
    weight = (1 / length.clamp_min(float(length.mean()) * 1e-3 + 1e-12)).double().numpy()
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
