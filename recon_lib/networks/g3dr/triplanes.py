"""Triplanes read at several resolutions at once (G3DR: Reddy et al., CVPR 2024, "multi-resolution triplane sampling").

The same planes at 1, 1/2 and 1/4 of their size, each read bilinearly, are summed. All of these are linear between the
multiples of half a texel, so their sum at those knots, computed once, holds everything: one bilinear reading of it
gives the three readings of the paper to rounding, anywhere in the box.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ...check import check_shape
from ..radiance.table import read_table

Axes = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
PUBLISHED_AXES: Axes = ((0, 1), (0, 2), (2, 0))  # EG3D's slip, which G3DR inherits: x,z twice and no y,z
ALL_AXES: Axes = ((0, 1), (0, 2), (1, 2))
LEVELS = 3
INDEX_LIMIT = 2**31 - 1


def knots(planes: Tensor, levels: int = LEVELS) -> Tensor:
    """Sum of the planes [...,N,N] at the first `levels` of 1, 1/2, 1/4 at the knots: [...,2N+1,2N+1].

    Knot k lies k/2 texels from the border. Beyond their borders planes are 0, as `grid_sample` pads them. Halving,
    padding and reading are linear along either axis: two products of matrices a level.
    """
    side = planes.shape[-1]
    if side % 2 ** (levels - 1) or planes.shape[-2] != side:
        raise ValueError(f"planes of {tuple(planes.shape[-2:])} texels cannot be halved {levels - 1} times")
    matrices = [_knot_matrix(side, level).to(planes) for level in range(levels)]
    return torch.stack([matrix @ (planes @ matrix.T) for matrix in matrices]).sum(0)


@lru_cache(maxsize=32)
def _knot_matrix(side: int, level: int) -> Tensor:
    """[2N+1,N]: texels of a row of `side` N -> its knots, read from the row at 2^-level of its size."""
    with torch.inference_mode(False), torch.no_grad():
        rows = torch.eye(side, dtype=torch.float64)[None, :, :, None].expand(1, side, side, side)
        small = F.interpolate(rows, scale_factor=0.5**level, mode="bilinear", antialias=True) if level else rows
        padded = F.pad(small[0, :, :, 0], (1, 1))  # [N,n+2]
        own = torch.zeros(side, 2 * small.shape[2] + 1, dtype=padded.dtype)
        own[:, 0::2], own[:, 1::2] = (padded[:, 1:] + padded[:, :-1]) / 2, padded[:, 1:-1]
        return F.interpolate(own[None], 2 * side + 1, mode="linear", align_corners=True)[0].T.float().contiguous()


@dataclass(frozen=True)
class KnotPlanes:
    """Three planes of M x M knots of each of B objects, laid out for reading: a row a knot."""

    table: Tensor  # [B*3*M*M,C]
    side: int  # M
    axes: Axes  # of each plane: coordinates along its rows and down them

    @classmethod
    def of(cls, planes: Tensor, axes: Axes, levels: int = LEVELS) -> "KnotPlanes":
        """The knots of planes [B,3,C,N,N]."""
        check_shape("planes", planes, "B", 3, "C", "N", "N")
        summed = knots(planes, levels).permute(0, 1, 3, 4, 2)
        if summed.numel() // summed.shape[-1] > INDEX_LIMIT:
            raise ValueError("too many knots for 32-bit indices")
        return cls(summed.reshape(-1, summed.shape[-1]), summed.shape[2], axes)

    def each(self) -> list["KnotPlanes"]:
        """Those of each object."""
        tables = self.table.view(-1, 3 * self.side**2, self.table.shape[1]).unbind()  # whose gradients are stacked once
        return [KnotPlanes(table, self.side, self.axes) for table in tables]

    def read(self, points: Tensor, batch: Tensor | None = None) -> Tensor:
        """Sum of the three planes [N,C] at points [N,3] in -1..1; batch [N]: of which object, default the first.

        Differentiable in the planes, not in the points. Points beyond the box read its border.
        """
        check_shape("points", points, "N", 3)
        with torch.no_grad():
            rows, weights = self._corners(points, batch)
        return read_table(self.table, rows, weights.to(self.table))

    def _corners(self, points: Tensor, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        """Rows [N,12] of the table and their weights."""
        most = self.side - 1
        position = ((points + 1) * (most / 2)).clamp(0, most)
        low = position.int().clamp_max(most - 1)
        above = position - low
        across, down = zip(*self.axes, strict=True)
        steps = torch.tensor([0, 1, self.side, self.side + 1], dtype=torch.int32, device=points.device)
        begins = torch.arange(3, dtype=torch.int32, device=points.device) * self.side**2
        corner = low[:, down] * self.side + low[:, across] + begins
        if batch is not None:
            corner = corner + batch.int()[:, None] * (3 * self.side**2)
        rows = corner[:, :, None] + steps
        fx, fy = above[:, across], above[:, down]
        wx, wy = torch.stack([1 - fx, fx], -1), torch.stack([1 - fy, fy], -1)
        weights = wy[:, :, :, None] * wx[:, :, None, :]
        return rows.view(-1, 12), weights.view(-1, 12)

    def on_lattice(self, axis: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The first object's planes read at the nodes `axis` [R] in -1..1 along both of their axes: three [R,R,C].

        Each [i,j] is at the i-th node along the plane's first axis (of `axes`) and the j-th along its second. What a
        lattice node reads is the sum of one value of each, so R^3 nodes cost 3 R^2 readings.
        """
        most = self.side - 1
        position = ((axis + 1) * (most / 2)).clamp(0, most)
        low = position.long().clamp_max(most - 1)
        share = (position - low)[:, None]
        planes = self.table[: 3 * self.side**2].view(3, self.side, self.side, -1)
        across = planes[:, :, low] * (1 - share) + planes[:, :, low + 1] * share
        both = across[:, low] * (1 - share[..., None]) + across[:, low + 1] * share[..., None]
        first, second, third = both.transpose(1, 2)
        return first, second, third
