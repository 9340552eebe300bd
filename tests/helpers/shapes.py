"""Meshes that tests know everything about."""

import torch

from recon_lib.meshes.mesh import Mesh

BOX_FACES = (
    (0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4),
    (2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5),
)  # fmt: skip


def box(half=(0.5, 0.5, 0.5), faces=BOX_FACES) -> Mesh:
    """A box around the origin, seen counter-clockwise from outside; vertex number zyx in bits, 1 = positive."""
    corners = torch.tensor([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], dtype=torch.float32)
    return Mesh(corners * torch.tensor(half), torch.tensor(faces))


def open_box(half=(0.5, 0.5, 0.5)) -> Mesh:
    """The box without its lid at +y."""
    return box(half, [face for face in BOX_FACES if not all(corner & 2 for corner in face)])


def quad(half: float = 1.0, **layers) -> Mesh:
    """A square in the plane z = 0 that faces +z; corners: top left, top right, bottom left, bottom right."""
    corners = torch.tensor([[-half, half, 0], [half, half, 0], [-half, -half, 0], [half, -half, 0]])
    return Mesh(corners, torch.tensor([[0, 2, 1], [1, 2, 3]]), **layers)


def ball(subdivisions: int = 4) -> Mesh:
    """The unit sphere."""
    import trimesh

    mesh = trimesh.creation.icosphere(subdivisions)
    return Mesh(torch.tensor(mesh.vertices).float(), torch.tensor(mesh.faces).long())


def is_ball(vertices: torch.Tensor, tolerance: float = 0.03) -> bool:
    """Whether all vertices [N,3] are equally far from their middle, within a share of that distance."""
    radii = (vertices - (vertices.amax(0) + vertices.amin(0)) / 2).norm(dim=1)
    return bool((radii / radii.mean() - 1).abs().max() < tolerance)
