"""What training wants of a solid: a light mesh to render and points with exact inside/outside labels."""

import numpy as np
import torch

from ...meshes.clean import decimated
from .generator import random_solid
from .grid import surface_mesh

POINTS = 65536
BALL = 1.05  # uniform points fill this ball
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
    full = surface_mesh(solid, resolution)
    generator = torch.Generator().manual_seed(seed)
    points = _sample(full.sample_surface(POINTS // 2, seed)[0], generator).half()
    inside = solid.distance(points.float()) < 0
    light = decimated(full, faces)
    vertex_parts = solid.part(light.vertices)
    colors = (torch.tensor(solid.colors) * 255).round().to(torch.uint8)
    return {
        "vertices": light.vertices.numpy(),
        "faces": light.faces.int().numpy(),
        "vertex_colors": colors[vertex_parts].numpy(),
        "vertex_parts": vertex_parts.to(torch.uint8).numpy(),
        "face_parts": solid.part(light.triangles.mean(1)).to(torch.uint8).numpy(),
        "part_colors": colors.numpy(),
        "points": points.numpy(),
        "inside": np.packbits(inside.numpy()),
        "family": np.array(solid.family),
    }


def _sample(surface: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """surface [N,3] -> [2N,3]: N uniform in the ball, the surface points with noise, shuffled."""
    count = len(surface)
    direction = torch.randn(count, 3, generator=generator)
    radius = torch.rand(count, 1, generator=generator) ** (1 / 3) * BALL
    ball = direction / direction.norm(dim=-1, keepdim=True) * radius
    noise = torch.tensor(NOISE).repeat_interleave(count // 2)[:, None]
    near = surface + torch.randn(count, 3, generator=generator) * noise
    return torch.cat([ball, near])[torch.randperm(2 * count, generator=generator)]
