"""More triangles for the same shape."""

from dataclasses import fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .mesh import Mesh

# How a face is split, by which of its edges (0: a-b, 1: b-c, 2: c-a) have a midpoint. Corners 0-2 are the face's
# own, 3-5 the midpoints of edges 0-2; the winding is kept.
PATTERNS = {
    (False, False, False): ((0, 1, 2),),
    (True, False, False): ((0, 3, 2), (3, 1, 2)),
    (False, True, False): ((0, 1, 4), (0, 4, 2)),
    (False, False, True): ((0, 1, 5), (5, 1, 2)),
    (True, True, False): ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    (False, True, True): ((4, 2, 5), (0, 1, 4), (0, 4, 5)),
    (True, False, True): ((0, 3, 5), (3, 1, 2), (3, 2, 5)),
    (True, True, True): ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
}

NOT_OF_VERTICES = ("faces", "texture", "texture_provenance", "origin")  # fields of a mesh


def split_long_edges(mesh: Mesh, length: float, max_faces: int = 200_000) -> Mesh:
    """Halve edges longer than `length` (world units) until there is none, or until `max_faces` would be passed.

    Old vertices keep their numbers. New ones take the mean of their edge's ends: positions, normals, colours and
    UVs; provenance becomes the less trustworthy of the two. Neighbouring faces are split alike: no cracks.
    """
    while True:
        finer = _split_once(mesh, length)
        if finer is None or len(finer.faces) > max_faces:
            return mesh
        mesh = finer


def _split_once(mesh: Mesh, length: float) -> Mesh | None:
    """One round of halving; None when no edge is too long."""
    count = len(mesh.vertices)
    sides = mesh.faces[:, [0, 1, 1, 2, 2, 0]].view(-1, 2)
    low, high = sides.sort(-1).values.unbind(-1)
    keys, edge_of_side = torch.unique(low * count + high, return_inverse=True)  # one number per edge: sorts fast
    edges = torch.stack([keys // count, keys % count], -1)
    ends = mesh.vertices[edges]
    long = (ends[:, 0] - ends[:, 1]).norm(dim=-1) > length
    if not long.any():
        return None
    number = torch.where(long, count + long.cumsum(0) - 1, -1)
    middles = number[edge_of_side].view(-1, 3)
    corners = torch.cat([mesh.faces, middles], 1)  # [M,6]
    faces = []
    for pattern, triangles in PATTERNS.items():
        matching = corners[((middles >= 0) == torch.tensor(pattern, device=middles.device)).all(1)]
        faces += [matching[:, list(triangle)] for triangle in triangles]
    return replace(_with_middles(mesh, edges[long]), faces=torch.cat(faces))


def _with_middles(mesh: Mesh, edges: Tensor) -> Mesh:
    """The mesh with a vertex in the middle of each of `edges` [E,2] behind its own ones."""
    grown = {}
    for field in fields(mesh):
        values = getattr(mesh, field.name)
        if values is None or field.name in NOT_OF_VERTICES:
            continue
        ends = values[edges]
        middle = ends.amax(1) if field.name == "provenance" else ends.mean(1)
        if field.name == "vertex_normals":
            middle = F.normalize(middle, dim=-1)
        grown[field.name] = torch.cat([values, middle])
    return replace(mesh, **grown)
