"""Points to an occupancy grid: which nodes of a regular grid have a point beside them."""

import torch
from torch import Tensor

from ...check import check_shape

MAX_SHARE = 1.0  # occupancy of a node with points enough around it


def grid_nodes(side: int, half: float, device: torch.device | str = "cpu") -> Tensor:
    """Nodes [side,side,side,3] of the cube of half side `half`, ends included, indexed [x,y,z]."""
    line = torch.linspace(-half, half, side, device=device)
    return torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1)


def nearest_nodes(points: Tensor, side: int, half: float) -> Tensor:
    """Binary grid [B,1,side,side,side] whose nodes nearest to the points [B,P,3] are 1 (LIST, section 3.2).

    Indexed [x,y,z]; a point beyond the cube marks the node nearest to it. No gradients.
    """
    check_shape("points", points, "B", "P", 3)
    index = ((points.detach() / half + 1) / 2 * (side - 1)).round().long().clamp(0, side - 1)
    flat = (index[..., 0] * side + index[..., 1]) * side + index[..., 2]
    grid = points.new_zeros(len(points), side**3)
    return grid.scatter_(1, flat, 1.0).reshape(-1, 1, side, side, side)


def splatted(points: Tensor, side: int, half: float) -> Tensor:
    """Soft grid [B,1,side,side,side]: every point's weight 1, spread over the eight nodes around it; at most 1 a node.

    Indexed [x,y,z]; points [B,P,3] beyond the cube count at its face. Its gradients reach the points.
    """
    check_shape("points", points, "B", "P", 3)
    place = ((points / half + 1) / 2 * (side - 1)).clamp(0, side - 1 - 1e-4)
    low = place.detach().floor().long()
    part = place - low
    grid = points.new_zeros(len(points), side**3)
    for corner in torch.cartesian_prod(*[torch.arange(2, device=points.device)] * 3):
        weight = torch.where(corner == 1, part, 1 - part).prod(-1)
        node = low + corner
        grid = grid.scatter_add(1, (node[..., 0] * side + node[..., 1]) * side + node[..., 2], weight)
    return grid.clamp_max(MAX_SHARE).reshape(-1, 1, side, side, side)
