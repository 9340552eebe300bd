"""Occupancy labels of points for meshes of any quality: open, of several bodies, self-intersecting."""

import numpy as np
import torch
from numpy.typing import NDArray

from ...meshes.mesh import Mesh
from ..solids.export import BALL, NOISE


def labelled_points(mesh: Mesh, count: int, seed: int) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """`count` points [count,3] and their packed labels [count/8] (`numpy.packbits`, 1 = inside).

    Half the points are uniform in a ball, half lie near the surface. Inside is a generalised winding number above
    one half (Barill et al., "Fast winding numbers for soups and clouds", 2018), which needs no watertight mesh.
    """
    import igl

    surface = mesh.sample_surface(count // 2, seed)[0]
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(count // 2, 3, generator=generator)
    radius = torch.rand(count // 2, 1, generator=generator) ** (1 / 3) * BALL
    noise = torch.tensor(NOISE).repeat_interleave(count // 4)[:, None]
    near = surface + noise * torch.randn(count // 2, 3, generator=generator)
    points = torch.cat([direction / direction.norm(dim=-1, keepdim=True) * radius, near])
    points = points[torch.randperm(count, generator=generator)].half().numpy()
    winding = igl.fast_winding_number(mesh.vertices.double().numpy(), mesh.faces.numpy(), points.astype(np.float64))
    return points, np.packbits(np.asarray(winding) > 0.5)
