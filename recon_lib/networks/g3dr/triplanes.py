"""Triplanes read at several resolutions at once (G3DR: Reddy et al., CVPR 2024, "multi-resolution triplane sampling").

The same planes at 1, 1/2 and 1/4 of their size, each read bilinearly, are summed. All of these are linear between the
multiples of half a texel, so their sum at those knots, computed once, holds everything: one bilinear reading of it
gives the three readings of the paper to rounding, anywhere in the box.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...check import check_shape

Axes = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
PUBLISHED_AXES: Axes = ((0, 1), (0, 2), (2, 0))  # EG3D's slip, which G3DR inherits: x,z twice and no y,z
ALL_AXES: Axes = ((0, 1), (0, 2), (1, 2))
LEVELS = 3
INDEX_LIMIT = 2**31 - 1


def knots(planes: Tensor, levels: int = LEVELS) -> Tensor:
    """Sum of the planes [...,N,N] at the first `levels` of 1, 1/2, 1/4 at the knots: [...,2N+1,2N+1].

    Knot k lies k/2 texels from the border. Beyond their borders planes are 0, as `grid_sample` pads them.
    """
    side = planes.shape[-1]
    if side % 2 ** (levels - 1) or planes.shape[-2] != side:
        raise ValueError(f"planes of {tuple(planes.shape[-2:])} texels cannot be halved {levels - 1} times")
    flat = planes.reshape(1, -1, side, side)
    total = _own_knots(flat)
    for level in range(1, levels):
        small = F.interpolate(flat, scale_factor=0.5**level, mode="bilinear", antialias=True)
        total = total + F.interpolate(_own_knots(small), total.shape[-2:], mode="bilinear", align_corners=True)
    return total.reshape(*planes.shape[:-2], *total.shape[-2:])


def _own_knots(planes: Tensor) -> Tensor:
    """Planes [1,C,N,N] at the multiples of half their texels: centres, and means of neighbours between them."""
    for axis in (-1, -2):
        zero = torch.zeros_like(planes.narrow(axis, 0, 1))
        padded = torch.cat([zero, planes, zero], axis)
        count = planes.shape[axis] + 1
        between = (padded.narrow(axis, 0, count) + padded.narrow(axis, 1, count)) / 2
        centres = torch.cat([planes, zero], axis)
        planes = torch.stack([between, centres], axis if axis == -1 else -2)
        planes = planes.flatten(axis - 1, axis).narrow(axis, 0, 2 * count - 1)
    return planes


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

    def __getitem__(self, index: int) -> "KnotPlanes":
        """Those of one object."""
        rows = 3 * self.side**2
        return KnotPlanes(self.table[index * rows : (index + 1) * rows], self.side, self.axes)

    def read(self, points: Tensor, batch: Tensor | None = None) -> Tensor:
        """Sum of the three planes [N,C] at points [N,3] in -1..1; batch [N]: of which object, default the first.

        Differentiable in the planes, not in the points. Points beyond the box read its border.
        """
        check_shape("points", points, "N", 3)
        with torch.no_grad():
            rows, weights = self._corners(points, batch)
        return F.embedding_bag(rows, self.table, mode="sum", per_sample_weights=weights.to(self.table))

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
