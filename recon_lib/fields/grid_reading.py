"""Interpolation of a table of grid nodes at many points, with gradients for the table that cost no more than it.

Interpolation from 8 nodes is a sparse matrix times the table; the table's gradient is the transposed matrix times the
points' gradients. Both are sums over bags of rows. The matrix is stored in both layouts once and serves every step
until the points change.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Reading:
    """Interpolation of a table of K rows at N points, from 8 rows each."""

    rows: Tensor  # [N,8] int32
    weights: Tensor  # [N,8]
    back_points: Tensor  # [8N] int32, points in the order of the rows that they read
    back_weights: Tensor  # [8N]
    back_starts: Tensor  # [K] int32, first point of each row

    @classmethod
    def of(cls, rows: Tensor, weights: Tensor, count: int) -> "Reading":
        """rows [N,8] int32 of a table of `count` rows, weights [N,8]."""
        total = rows.numel()
        order = sorted_keys(rows.reshape(-1).long() * total + torch.arange(total, device=rows.device))
        row = torch.div(order, total, rounding_mode="floor")
        entry = order - row * total
        starts = torch.searchsorted(row, torch.arange(count, device=rows.device))
        return cls(
            rows.contiguous(), weights.contiguous(), torch.div(entry, 8, rounding_mode="floor").int(),
            weights.reshape(-1)[entry], starts.int(),
        )  # fmt: skip

    def __call__(self, table: Tensor) -> Tensor:
        """Interpolated values [N,C] of the table [K,C], differentiable in the table."""
        return _Read.apply(table, self)


class _Read(torch.autograd.Function):
    @staticmethod
    def forward(ctx, table: Tensor, reading: Reading) -> Tensor:
        ctx.reading = reading
        return F.embedding_bag(reading.rows, table, mode="sum", per_sample_weights=reading.weights)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        r = ctx.reading
        back = F.embedding_bag(
            r.back_points, gradient.contiguous(), r.back_starts, mode="sum", per_sample_weights=r.back_weights
        )
        return back, None


def read_with_slopes(values: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Interpolated values and derivatives along x, y, z, [N,4], of values [K]: rows [N,8] int32, weights [N,4,8]."""
    return _ReadWithSlopes.apply(values, rows, weights)


class _ReadWithSlopes(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weights)
        ctx.count = len(values)
        around = values.index_select(0, rows.reshape(-1)).view(-1, 8, 1)
        return torch.bmm(weights, around)[..., 0]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        rows, weights = ctx.saved_tensors
        around = torch.bmm(gradient[:, None], weights).reshape(-1)
        return gradient.new_zeros(ctx.count).scatter_add_(0, rows.reshape(-1).long(), around), None, None


def sorted_keys(keys: Tensor) -> Tensor:
    """Ascending int64 keys; NumPy's sort is several times faster than PyTorch's on the CPU."""
    if keys.device.type != "cpu":
        return keys.sort()[0]
    import numpy as np

    return torch.from_numpy(np.sort(keys.numpy()))
