"""A solid as signed distances on a grid, coloured by features near its surface: what the VolSDF fit returns."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_shape
from ..networks.volsdf.density import laplace_density
from ..networks.volsdf.grid_color import GridColor
from .cells import Cells


@dataclass(frozen=True)
class SdfGrid:
    """Signed distance and features between nodes are trilinear; a decoder makes the colour of features.

    Only nodes near the surface have features of their own; the others share those of the nearest node that has.
    """

    cells: Cells
    distance: Tensor  # [G,G,G] float32 (x,y,z), world units, < 0 inside
    rows: Tensor  # [G,G,G] int32, which row of `features` belongs to a node
    features: Tensor  # [K,C]
    module: GridColor  # decodes colours; called module so that hosts can take it off the device
    beta: float  # width of the density that the fit ended with, world units
    has_color: bool = True
    bumps: float = 0.0  # world units, see `Field`

    def __post_init__(self) -> None:
        side = self.cells.nodes
        check_shape("distance", self.distance, side, side, side)
        check_shape("rows", self.rows, side, side, side)
        check_shape("features", self.features, "K", "C")

    @property
    def bounds(self) -> Tensor:
        """[2,3] world."""
        return self.cells.bounds

    @torch.no_grad()
    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> minus the signed distance [N]; < 0 beyond the bounds."""
        return self.cells.inside(self.distance, points)

    def density(self, points: Tensor) -> Tensor:
        """points [N,3] world -> VolSDF's density [N] per world unit."""
        return laplace_density(-self.inside(points), self.beta)

    @torch.no_grad()
    def normals(self, points: Tensor) -> Tensor:
        """points [N,3] world -> unit gradients of the signed distance [N,3]; 0 where it is constant."""
        return self.cells.normals(self.distance, points)

    @torch.no_grad()
    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """points [N,3] world, view directions [N,3] unit (default: straight at the surface) -> sRGB [N,3] in 0-1."""
        check_shape("points", points, "N", 3)
        normals = self.normals(points)
        features = self.features_at(points)
        return self.module.to(points.device)(features, normals, -normals if directions is None else directions)

    @torch.no_grad()
    def features_at(self, points: Tensor) -> Tensor:
        """points [N,3] world -> features [N,C], trilinear."""
        nodes, fraction = self.cells.locate(points)
        rows = self.rows.to(points.device).view(-1)[nodes.reshape(-1)].view(-1, 8)
        features = self.features.to(points.device)
        return F.embedding_bag(rows, features, mode="sum", per_sample_weights=self.cells.weights(fraction))


def shared_rows(own: Tensor) -> Tensor:
    """Rows [G,G,G] int32 with -1 where a node has none -> the row of the nearest node that has one, everywhere."""
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt((own < 0).numpy(), return_distances=False, return_indices=True)
    x, y, z = torch.from_numpy(np.asarray(nearest)).long()
    return own[x, y, z]
