"""One level of a multiresolution grid over the unit cube: a table whose rows belong to nodes.

Which row a node has is its number (dense), a map (only some nodes have rows of their own), or a hash of its position
(Müller et al. 2022, "Instant neural graphics primitives", equation 4), when there are more nodes than rows.
"""

import torch
from torch import Tensor, nn

from .table import read_table

CORNERS = torch.tensor([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=torch.int32)  # [8,3]
PRIMES = (1, 2654435761, 805459861)  # of the hash, one an axis
LAST_NODE_GAP = 1e-4  # of a cell: points are clamped this far before the last node, so that they are in the last cell


class GridLevel(nn.Module):
    """A table of features at `nodes`^3 nodes of the unit cube, trilinear in between."""

    rows: Tensor | None

    def __init__(self, nodes: int, channels: int, rows: Tensor | None = None, most: int | None = None) -> None:
        """rows: [nodes^3] int32, the row of each node. most: rows of the table; more nodes than these are hashed."""
        super().__init__()
        self.nodes = nodes
        self.register_buffer("rows", rows)
        count = nodes**3 if rows is None else int(rows.max()) + 1
        self.hashed = rows is None and most is not None and count > most
        self.table = nn.Parameter(torch.zeros(most if self.hashed and most is not None else count, channels))

    def locate(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Rows [N,8] int32 around points [N,3], clamped to 0-1, and their trilinear weights [N,8]."""
        position = (points * (self.nodes - 1)).clamp(0, self.nodes - 1 - LAST_NODE_GAP)
        first = position.floor()
        pair = torch.stack([1 - (position - first), position - first], -1)  # [N,3,2]
        weights = pair[:, 0, :, None, None] * pair[:, 1, None, :, None] * pair[:, 2, None, None, :]
        return self._numbers(first.int()), weights.reshape(-1, 8)

    def _numbers(self, first: Tensor) -> Tensor:
        if self.hashed:
            corners = (first[:, None] + CORNERS.to(first.device)).long()
            mixed = corners[..., 0] * PRIMES[0] ^ corners[..., 1] * PRIMES[1] ^ corners[..., 2] * PRIMES[2]
            return (mixed % len(self.table)).int()
        x, y, z = first.unbind(-1)
        steps = CORNERS.to(first.device) @ first.new_tensor([self.nodes**2, self.nodes, 1])
        numbers = ((x * self.nodes + y) * self.nodes + z)[:, None] + steps
        return numbers if self.rows is None else self.rows[numbers]

    def forward(self, points: Tensor) -> Tensor:
        """Features [N,C] at points [N,3] of the unit cube, differentiable in the table."""
        return read_table(self.table, *self.locate(points))

    def scale_weight(self, widths: Tensor) -> Tensor:
        """Zip-NeRF's downweighting: how much of a cell's wave survives a Gaussian of these standard deviations.

        erf(1 / sqrt(8 s^2 n^2)) with n cells over the unit (Barron et al. 2023, section 3.1). widths [...] in units.
        """
        return torch.erf(1 / (8**0.5 * (self.nodes - 1) * widths.clamp_min(1e-9)))


def rows_of(marked: Tensor) -> Tensor:
    """Rows [G^3] int32 of nodes: one each for those marked [G,G,G] bool, row 0 for all the rest."""
    flat = marked.reshape(-1)
    return torch.where(flat, flat.cumsum(0), 0).int()
