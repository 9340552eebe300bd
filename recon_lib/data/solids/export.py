"""Training data of a solid: a decimated mesh to render, and points with exact inside/outside labels."""

import numpy as np
import torch

from ...meshes.clean import decimated
from .generator import random_solid
from .grid import surface_mesh

POINTS = 65536
BALL = 1.05  # radius of the ball of the uniform points
NOISE = (0.01, 0.05)  # standard deviations of the near-surface points


def training_solid(seed: int, resolution: int = 96, faces: int = 6000) -> dict[str, np.ndarray]:
    """Mesh and labelled points of `random_solid(seed)`.

    vertices [V,3] float32, faces [F,3] int32, vertex_colors [V,3] uint8 sRGB (plain colour of the part),
    vertex_parts [V] uint8 and face_parts [F] uint8 (material numbers, for `data.appearance.materials`),
    part_colors [M,3] uint8, points [65536,3] float16 in random order (half uniform in the ball of radius 1.05,
    a quarter each 0.01 and 0.05 off the surface), inside [8192] uint8 (`numpy.packbits`; labels hold at the
    rounded points), family [] str.
    """
    solid = random_solid(seed)
    mesh = surface_mesh(solid, resolution)
    generator = torch.Generator().manual_seed(seed)
    points = _sample(mesh.sample_surface(POINTS // 2, seed)[0], generator).half()
    inside = solid.distance(points.float()) < 0
    decimated_mesh = decimated(mesh, faces)
    vertex_parts = solid.part(decimated_mesh.vertices)
    colors = (torch.tensor(solid.colors) * 255).round().to(torch.uint8)
    return {
        "vertices": decimated_mesh.vertices.numpy(),
        "faces": decimated_mesh.faces.int().numpy(),
        "vertex_colors": colors[vertex_parts].numpy(),
        "vertex_parts": vertex_parts.to(torch.uint8).numpy(),
        "face_parts": solid.part(decimated_mesh.triangles.mean(1)).to(torch.uint8).numpy(),
        "part_colors": colors.numpy(),
        "points": points.numpy(),
        "inside": np.packbits(inside.numpy()),
        "family": np.array(solid.family),
    }


def _sample(surface: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Points [2N,3], shuffled: N uniform in the ball, and the N surface points [N,3] with noise."""
    count = len(surface)
    direction = torch.randn(count, 3, generator=generator)
    radius = torch.rand(count, 1, generator=generator) ** (1 / 3) * BALL
    ball = direction / direction.norm(dim=-1, keepdim=True) * radius
    noise = torch.tensor(NOISE).repeat_interleave(count // 2)[:, None]
    near_surface = surface + torch.randn(count, 3, generator=generator) * noise
    return torch.cat([ball, near_surface])[torch.randperm(2 * count, generator=generator)]
