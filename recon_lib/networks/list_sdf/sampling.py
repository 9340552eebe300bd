"""Features at 3D queries: of grids at seven taps around each, of pictures at its projection."""

import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

TAP = 0.0722  # of half the grid's side, from the query to its six neighbours (as in Chibane et al., "IF-Nets", 2020)
MANY_CHANNELS = 32  # from which on rows are read faster than channels


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
    taps = seven_taps(positions.flip(-1)).reshape(batch, -1, 3)  # grid_sample names the last axis first
    parts = []
    for grid in maps:
        if grid.shape[1] >= MANY_CHANNELS and batch == 1 and not torch.is_grad_enabled():
            read = trilinear_rows(grid[0], taps[0]).reshape(1, count, 7, -1).transpose(2, 3)
        else:
            read = F.grid_sample(grid, taps[:, :, None, None], padding_mode="border", align_corners=True)
            read = read.reshape(batch, -1, count, 7).transpose(1, 2)
        parts.append(read)
    return torch.cat(parts, 2).reshape(batch, count, -1)


def trilinear_rows(grid: Tensor, positions: Tensor) -> Tensor:
    """A grid [C,x,y,z] at positions [N,3] (z,y,x) in -1..1 -> [N,C], the same as `grid_sample`'s, without gradients.

    As a product of sparse weights and the nodes' rows: a node's channels lie side by side and are read together, where
    `grid_sample` goes through all places anew for each channel.
    """
    sides = torch.tensor(grid.shape[1:], device=grid.device)
    place = ((positions.flip(-1) + 1) / 2).clamp(0, 1) * (sides - 1)
    low = place.floor().minimum((sides - 2).to(place))
    part, corners = (place - low)[:, None], torch.cartesian_prod(*[torch.arange(2, device=grid.device)] * 3)
    strides = torch.stack([sides[1] * sides[2], sides[2], torch.ones_like(sides[2])])
    columns = (low.long() * strides).sum(-1)[:, None] + (corners * strides).sum(-1)
    weights = torch.where(corners == 1, part, 1 - part).prod(-1)
    ends = torch.arange(0, 8 * len(positions) + 1, 8, device=grid.device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its CSR layout a beta
        matrix = torch.sparse_csr_tensor(
            ends, columns.flatten(), weights.flatten(), (len(positions), int(sides.prod())), check_invariants=False
        )
    return matrix @ grid.permute(1, 2, 3, 0).reshape(-1, len(grid))


def project(points: Tensor, matrix: Tensor) -> Tensor:
    """Positions [B,N,2] in the picture of points [B,N,3]: the first two of [x,y,z,1] M over the third, M [B,4,3]."""
    image = points @ matrix[:, :3] + matrix[:, 3:]
    return image[..., :2] / image[..., 2:]


def sample_picture(maps: Tensor, positions: Tensor) -> Tensor:
    """maps [B,C,h,w] at positions [B,N,2] in 0-1 -> [B,N,C], the border's value beyond the border."""
    grid = positions[:, :, None] * 2 - 1
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)[..., 0].mT
