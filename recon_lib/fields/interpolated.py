"""A field that is asked at the nodes of a lattice alone, and interpolated between them.

A network whose picture has so many pixels holds nothing finer than those; asking it at every node of a finer lattice
costs time and shows nothing more. What is not needed is not asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

CORNERS = torch.cartesian_prod(*[torch.arange(2)] * 3)  # [8,3]
ON_NODE = 1e-4  # of a cell: so close to a node its value is taken


@dataclass
class InterpolatedValues:
    """Values of a function of points, trilinear between the nodes of a lattice that begins at the lower bounds.

    It remembers what it asked, so it is made for one extraction and left behind.
    """

    function: Callable[[Tensor], Tensor]  # points [N,3] world -> [N]
    lower: Tensor  # [3] world
    step: Tensor  # [3] between nodes, world units
    cells: Tensor  # [3] whole; beyond them the last node's value holds
    asked: int = 0  # points so far
    _values: Tensor | None = field(default=None, repr=False)

    def __call__(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N]."""
        cells = self.cells.to(points)
        place = torch.minimum(((points - self.lower.to(points)) / self.step.to(points)).clamp_min(0), cells)
        near = place.round()
        place = torch.where((place - near).abs() < ON_NODE, near, place)
        cell = torch.minimum(place.floor(), cells - 1)
        part = (place - cell)[:, None]
        corners = CORNERS.to(points.device)
        weights = torch.where(corners == 1, part, 1 - part).prod(-1)  # [N,8]
        nodes, sides = cell.long()[:, None] + corners, self.cells.to(points.device).long() + 1
        flat = (nodes[..., 0] * sides[1] + nodes[..., 1]) * sides[2] + nodes[..., 2]
        values = self._known(flat[weights > 0], sides, points)
        return torch.where(weights > 0, values[flat] * weights, 0.0).sum(-1)

    def _known(self, flat: Tensor, sides: Tensor, points: Tensor) -> Tensor:
        """All nodes' values, flat, those at `flat` asked for."""
        if self._values is None:
            self._values = torch.full((int(sides.prod()),), torch.nan, device=points.device)
        missing = flat[self._values[flat].isnan()].unique()
        if len(missing):
            row, column = missing // (sides[1] * sides[2]), missing // sides[2] % sides[1]
            node = torch.stack([row, column, missing % sides[2]], -1)
            self._values[missing] = self.function(self.lower.to(points) + node * self.step.to(points))
            self.asked += len(missing)
        return self._values
