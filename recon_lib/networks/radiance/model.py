"""Density and colour in the unit cube: levels of a grid, added for the density and decoded for the colour.

The logarithm of the density is the sum of the levels' first channels, so a level that is closed or finer than the
cone that asks leaves what the coarser ones say. Colours are decoded from the other channels of all levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .decoder import ColorDecoder
from .level import GridLevel
from .table import read_table

FEATURES = 7  # channels of a level beside the density's: a row fills a cache line half
HIDDEN = 32
START = 1e-2  # largest starting feature


class RadianceModel(nn.Module):
    """Levels, decoder, and what the density begins with."""

    opened: Tensor  # [L] 0-1, how much of each level counts
    bias: Tensor | None  # [K,1] logarithm of the density at the nodes of level `bias_level`, which has no map

    def __init__(
        self, levels: Sequence[GridLevel], start: float | Tensor, seed: int, hidden: int = HIDDEN, bias_level: int = 0
    ) -> None:
        """start: logarithm of the first density, everywhere or at the nodes [K] of level `bias_level`."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed % 2**63)
        self.levels, self.bias_level = nn.ModuleList(levels), bias_level
        features = sum(level.table.shape[1] - 1 for level in levels)
        self.decoder = ColorDecoder(features, hidden, generator)
        self.start = 0.0 if isinstance(start, Tensor) else start
        self.register_buffer("bias", start.view(-1, 1).clone() if isinstance(start, Tensor) else None)
        self.register_buffer("opened", torch.ones(len(levels)))
        for level in levels:
            noise = torch.rand(level.table[:, 1:].shape, generator=generator) * 2 - 1
            with torch.no_grad():
                level.table[:, 1:] = START * noise

    def read(self, points: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithm of the density [N] and features [N,F] at the means of K points a sample [N,K,3], of widths [N,K].

        Both in units of the cube.
        """
        count, each, _ = points.shape
        flat, log_density, features = points.reshape(-1, 3), self.start, []
        for number, level in enumerate(self.levels):
            rows, weights = level.locate(flat)
            values = read_table(level.table, rows, weights).view(count, each, -1)
            values = (values * (level.scale_weight(widths) * self.opened[number])[..., None]).mean(1)
            log_density = log_density + values[:, 0]
            features.append(values[:, 1:])
            if self.bias is not None and number == self.bias_level:
                log_density = log_density + read_table(self.bias, rows, weights).view(count, each).mean(1)
        return log_density, torch.cat(features, -1)

    def color(self, features: Tensor, directions: Tensor) -> Tensor:
        """Features [N,F], directions [N,3] -> sRGB [N,3] in 0-1."""
        return self.decoder(features, directions)

    @torch.no_grad()
    def log_density_grid(self, nodes: int) -> Tensor:
        """Logarithm of the density at nodes^3 nodes [G,G,G] of the cube, seen without cones."""
        total = torch.full((nodes,) * 3, self.start, device=self.opened.device)
        for number, level in enumerate(self.levels):
            if float(self.opened[number]):
                total = total + float(self.opened[number]) * _resampled(level, level.table[:, 0], nodes)
            if self.bias is not None and number == self.bias_level:
                total = total + _resampled(level, self.bias[:, 0], nodes)
        return total


def _resampled(level: GridLevel, values: Tensor, nodes: int) -> Tensor:
    """Values [K] of a level's rows at nodes^3 nodes [G,G,G]."""
    if level.hashed:
        axis = torch.linspace(0, 1, nodes, device=values.device)
        points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
        parts = [read_table(values[:, None], *level.locate(part)) for part in points.split(1 << 18)]
        return torch.cat(parts).view((nodes,) * 3)
    dense = values if level.rows is None else values[level.rows.long()]
    dense = dense.view(1, 1, level.nodes, level.nodes, level.nodes)
    return nn.functional.interpolate(dense, size=(nodes,) * 3, mode="trilinear", align_corners=True)[0, 0]
