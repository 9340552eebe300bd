"""Occupancy grid -> probabilities of occupancy, and 3D features at several scales (LIST, section 3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...check import check_shape

FIRST = 3  # layers at full size that only refine the grid; the third of them answers the probability


@dataclass(frozen=True)
class GridFeatures:
    """What the encoder says of B grids."""

    logits: Tensor  # [B,1,R,R,R] of the probability that a node is on the surface
    maps: tuple[Tensor, ...]  # [B,C,r,r,r] of falling size, the probabilities first


class GridEncoder(nn.Module):
    """Three convolutions to a probability, then pairs of them with a 2x max-pool between. Named as LIST's weights.

    With `pool_first` the pairs begin at half the grid's size, which spares the most expensive ones.
    """

    def __init__(self, channels: Sequence[int], pool_first: bool = False) -> None:
        super().__init__()
        self.pool_first = pool_first
        convolutions: dict[str, nn.Module] = {}
        for i, (inputs, outputs) in enumerate(zip(channels[:-1], channels[1:], strict=True)):
            convolutions[f"conv_{i}"] = nn.Conv3d(inputs, outputs, 3, padding=1)
            if i >= FIRST:
                convolutions[f"conv_{i}_0"] = nn.Conv3d(outputs, outputs, 3, padding=1)
        self.conv = nn.ModuleDict(convolutions)
        self.bn = nn.ModuleList(nn.BatchNorm3d(outputs) for outputs in channels[1:])  # that of layer 2 is not used
        self.levels = len(channels) - 1

    def forward(self, grid: Tensor) -> GridFeatures:
        check_shape("grid", grid, "B", 1, "R", "R", "R")
        x = grid
        for i in range(FIRST - 1):
            x = self.bn[i](F.relu(self.conv[f"conv_{i}"](x)))
        logits = self.conv[f"conv_{FIRST - 1}"](x)
        x = torch.sigmoid(logits)
        maps = [x]
        for i in range(FIRST, self.levels):
            if i > FIRST or self.pool_first:
                x = F.max_pool3d(x, 2)
            x = F.relu(self.conv[f"conv_{i}_0"](F.relu(self.conv[f"conv_{i}"](x))))
            x = self.bn[i](x)
            maps.append(x)
        return GridFeatures(logits, tuple(maps))
