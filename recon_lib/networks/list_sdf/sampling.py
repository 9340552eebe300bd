"""Features at 3D queries: of grids at seven taps around each, of pictures at its projection."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

TAP = 0.0722  # of half the grid's side, from the query to its six neighbours (as in Chibane et al., "IF-Nets", 2020)


def seven_taps(points: Tensor, distance: float = TAP) -> Tensor:
    """points [B,N,3] -> [B,N,7,3]: each itself, then lower and upper neighbour along each axis."""
    steps = points.new_zeros(7, 3)
    for axis in range(3):
        steps[1 + 2 * axis, axis], steps[2 + 2 * axis, axis] = -distance, distance
    return points[:, :, None] + steps


def sample_grids(maps: Sequence[Tensor], positions: Tensor) -> Tensor:
    """Grids [B,C,r,r,r], indexed [x,y,z], at the taps of positions [B,N,3] in -1..1 -> [B,N,7 sum(C)].

    Channel by channel, the seven taps of each side by side, z's neighbours first, as in LIST's weights; the face's
    value beyond a face.
    """
    batch, count = positions.shape[:2]
    taps = seven_taps(positions.flip(-1)).reshape(batch, -1, 1, 1, 3)  # grid_sample names the last axis first
    sampled = [F.grid_sample(m, taps, padding_mode="border", align_corners=True)[..., 0, 0] for m in maps]
    return torch.cat(sampled, 1).reshape(batch, -1, count, 7).transpose(1, 2).reshape(batch, count, -1)


def project(points: Tensor, matrix: Tensor) -> Tensor:
    """Positions [B,N,2] in the picture of points [B,N,3]: the first two of [x,y,z,1] M over the third, M [B,4,3]."""
    image = points @ matrix[:, :3] + matrix[:, 3:]
    return image[..., :2] / image[..., 2:]


def sample_picture(maps: Tensor, positions: Tensor) -> Tensor:
    """maps [B,C,h,w] at positions [B,N,2] in 0-1 -> [B,N,C], the border's value beyond the border."""
    grid = positions[:, :, None] * 2 - 1
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)[..., 0].mT
