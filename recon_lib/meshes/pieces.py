"""Connected pieces of a surface."""

import torch
from torch import Tensor

from .mesh import Mesh
from .seams import same_positions


def face_pieces(mesh: Mesh) -> Tensor:
    """The number of the piece [M] int64, from 0, that each face belongs to.

    Faces are connected where they share a position: the seams of UVs do not cut.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    faces = same_positions(mesh.vertices.cpu())[mesh.faces.cpu()]
    edges = torch.cat([faces[:, :2], faces[:, 1:]]).int().T.numpy()
    count = int(faces.max()) + 1 if len(faces) else 0
    graph = coo_matrix((torch.ones(edges.shape[1]).numpy(), edges), shape=(count, count)).tocsr()
    _, label = connected_components(graph, directed=False)
    return torch.from_numpy(label).long()[faces[:, 0]].to(mesh.faces.device)
