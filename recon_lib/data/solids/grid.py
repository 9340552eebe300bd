"""A solid on a grid: distances where the surface is, the sign elsewhere; marching cubes."""

import torch
from torch import Tensor

from ...errors import BadInput
from ...meshes.marching import march
from ...meshes.mesh import Mesh
from .combine import smooth_min
from .node import Node
from .solid import CHUNK, Solid

BLOCK = 4  # nodes per block side


def narrow_band(solid: Solid, lower: Tensor, voxel: float, blocks: tuple[int, int, int]) -> Tensor:
    """Signed distances [nx,ny,nz] at the nodes of `blocks` blocks of 4^3, `voxel` apart, the first at `lower` [3].

    Exact in the blocks that the surface can cross; in the others the value at the block's centre, whose sign holds
    (the bound is 1-Lipschitz). A part is evaluated only in blocks where it can be the nearest.
    """
    index = torch.cartesian_prod(*(torch.arange(n) for n in blocks))
    centres = solid.design(lower + (index * BLOCK + (BLOCK - 1) / 2) * voxel)
    step = voxel / solid.scale
    band = ((BLOCK - 1) / 2 * 3**0.5 + 1) * step  # half diagonal and the edge to the next block
    parts = torch.stack([_in_chunks(part.node, centres) for part in solid.parts])
    values = solid.join(list(parts), centres.unbind(0))
    active = (values.abs() <= band).nonzero().flatten()
    offsets = (torch.cartesian_prod(*(torch.arange(BLOCK),) * 3).T - (BLOCK - 1) / 2) * step
    values = values[:, None].repeat(1, BLOCK**3)
    for rows in active.split(CHUNK // BLOCK**3):
        values[rows] = _culled(solid, centres[:, rows, None] + offsets[:, None], parts[:, rows], band)
    grid = values.reshape(*blocks, BLOCK, BLOCK, BLOCK).permute(0, 3, 1, 4, 2, 5)
    return grid.reshape([n * BLOCK for n in blocks]) * solid.scale


def _in_chunks(node: Node, points: Tensor) -> Tensor:
    return torch.cat([node.at(*piece.unbind(0)) for piece in points.split(CHUNK, dim=1)])


def _culled(solid: Solid, points: Tensor, at_centre: Tensor, band: float) -> Tensor:
    """Distances [B,K] at points [3,B,K] of blocks whose centres have the parts' distances at_centre [P,B]."""
    widest = max(part.blend for part in solid.parts)
    needed = at_centre - at_centre.min(dim=0).values <= 2 * band + widest
    joined = torch.full(points.shape[1:], 1e3)
    for part, rows in zip(solid.parts, needed, strict=True):
        rows = rows.nonzero().flatten()
        if len(rows):
            joined[rows] = smooth_min(joined[rows], part.node.at(*points[:, rows].unbind(0)), part.blend)
    return joined if solid.carve is None else torch.maximum(joined, -solid.carve.at(*points.unbind(0)))


def surface_mesh(solid: Solid, resolution: int = 96, radius: float = 1.0) -> Mesh:
    """Triangle mesh of the surface inside [-radius, radius]^3, voxel 2 radius / resolution, not decimated."""
    voxel = 2 * radius / resolution
    blocks = resolution // BLOCK + 2  # a margin, so that the surface closes
    lower = torch.full((3,), -(blocks * BLOCK - 1) / 2 * voxel)
    grid = narrow_band(solid, lower, voxel, (blocks,) * 3)
    if not (grid < 0).any():
        raise BadInput("The solid has no inside at this resolution; raise it or make the solid thicker.")
    vertices, faces = march(-grid.numpy())
    return Mesh(torch.from_numpy(vertices).float() * voxel + lower, torch.from_numpy(faces).long())
