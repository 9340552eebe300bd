"""Regular grid of nodes in a cube, with trilinear weights and their derivatives."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_shape
from ..errors import BadInput

CORNERS = torch.tensor([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])  # [8,3] x first
LAST_NODE_GAP = 1e-4  # of a cell: points are clamped this far before the last node, so that they are in the last cell


@dataclass(frozen=True)
class Cells:
    """`nodes` along each side of a cube, the first and last on its faces. Node (x,y,z) has number (x G + y) G + z."""

    low: Tensor  # [3] world, on the CPU
    side: float  # of the cube, world units
    nodes: int  # G, at least 2

    def __post_init__(self) -> None:
        check_shape("lower corner", self.low, 3)
        if self.nodes < 2 or not self.side > 0:
            raise BadInput(f"A grid of {self.nodes} nodes over {self.side} units is empty; give 2 nodes and a box.")

    @classmethod
    def within(cls, bounds: Tensor, nodes: int) -> "Cells":
        """Grid of the cube around bounds [2,3] with the same centre."""
        low, high = bounds.detach().float().cpu()
        side = float((high - low).max())
        return cls((low + high) / 2 - side / 2, side, nodes)

    @property
    def spacing(self) -> float:
        """Distance of neighbouring nodes, world units."""
        return self.side / (self.nodes - 1)

    @property
    def bounds(self) -> Tensor:
        """[2,3] world."""
        return torch.stack([self.low, self.low + self.side])

    def finer(self, nodes: int) -> "Cells":
        """The same cube with another number of nodes."""
        return Cells(self.low, self.side, nodes)

    def positions(self, numbers: Tensor | None = None) -> Tensor:
        """World positions [N,3] of the nodes with these numbers [N], or of all G^3."""
        numbers = torch.arange(self.nodes**3) if numbers is None else numbers
        index = torch.stack([numbers // self.nodes**2, numbers // self.nodes % self.nodes, numbers % self.nodes], -1)
        return self.low.to(numbers.device) + index * self.spacing

    def inside(self, distance: Tensor, points: Tensor) -> Tensor:
        """Minus the signed distance [N] at points [N,3], of distances [G,G,G] at the nodes; < 0 beyond the cube."""
        check_shape("points", points, "N", 3)
        value = -self.read(distance.to(points.device), points)
        low, high = self.bounds.to(points)
        beyond = (points - points.clamp(low, high)).norm(dim=-1)
        return torch.where(beyond > 0, value.clamp_max(0) - beyond, value)

    def normals(self, distance: Tensor, points: Tensor) -> Tensor:
        """Unit gradients [N,3] of distances [G,G,G] at points [N,3]; 0 where they are constant."""
        check_shape("points", points, "N", 3)
        nodes, fraction = self.locate(points)
        corners = distance.to(points.device).view(-1)[nodes.reshape(-1)].view(-1, 8, 1)
        return F.normalize(torch.bmm(self.weights_and_slopes(fraction), corners)[:, 1:, 0], dim=-1)

    def locate(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers [N,8] int32 of the 8 nodes around each of points [N,3], and its position in the cell [N,3] 0-1.

        Points outside the cube are clamped to it.
        """
        position = ((points - self.low.to(points)) / self.spacing).clamp(0, self.nodes - 1 - LAST_NODE_GAP)
        first = position.floor()
        x, y, z = first.int().unbind(-1)
        steps = (CORNERS * torch.tensor([self.nodes**2, self.nodes, 1])).sum(-1).int().to(points.device)
        return ((x * self.nodes + y) * self.nodes + z)[:, None] + steps, position - first

    def weights(self, fraction: Tensor) -> Tensor:
        """Trilinear weights [N,8] of the 8 nodes at positions in their cells [N,3] 0-1."""
        wx, wy, wz = _either_side(fraction)
        return (wx * wy * wz).reshape(-1, 8)

    def weights_and_slopes(self, fraction: Tensor) -> Tensor:
        """Trilinear weights and those of the derivatives along x, y, z per world unit, [N,4,8], at [N,3] 0-1."""
        wx, wy, wz = _either_side(fraction)
        sign = fraction.new_tensor([-1.0, 1.0]) / self.spacing
        dx, dy, dz = sign[:, None, None] * (wy * wz), sign[None, :, None] * (wx * wz), sign[None, None] * (wx * wy)
        return torch.stack([(wx * wy * wz).reshape(-1, 8), *(d.reshape(-1, 8) for d in (dx, dy, dz))], 1)

    def read(self, values: Tensor, points: Tensor) -> Tensor:
        """Trilinear interpolation [N] of values [G,G,G] at points [N,3], clamped to the cube."""
        grid = ((points - self.low.to(points)) * (2 / self.side) - 1).flip(-1)[None, None, None]
        return F.grid_sample(values[None, None], grid, padding_mode="border", align_corners=True).view(-1)


def _either_side(fraction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Linear weights of the lower and upper node along x [N,2,1,1], y [N,1,2,1], z [N,1,1,2]."""
    pair = torch.stack([1 - fraction, fraction], -1)  # [N,3,2]
    return pair[:, 0, :, None, None], pair[:, 1, None, :, None], pair[:, 2, None, None, :]
