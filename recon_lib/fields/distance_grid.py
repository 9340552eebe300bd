"""A solid as signed distances on a grid, with the colours of points on its surface if they are known."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..check import check_shape
from .cells import Cells

if TYPE_CHECKING:
    from scipy.spatial import KDTree


@dataclass(frozen=True)
class DistanceGrid:
    """Signed distances between nodes are trilinear; a point's colour is that of the nearest coloured point."""

    cells: Cells
    distance: Tensor  # [G,G,G] (x,y,z) world units, < 0 inside
    points: Tensor | None = None  # [K,3] on the surface, world
    colors: Tensor | None = None  # [K,3] sRGB 0-1, theirs; None: no colour

    def __post_init__(self) -> None:
        check_shape("distance", self.distance, *[self.cells.nodes] * 3)
        if self.colors is not None:
            check_shape("points", self.points, "K", 3)
            check_shape("colors", self.colors, len(self.points), 3)

    @property
    def bounds(self) -> Tensor:
        """[2,3] world."""
        return self.cells.bounds

    @property
    def has_color(self) -> bool:
        return self.colors is not None

    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> minus the signed distance [N]; < 0 beyond the bounds."""
        return self.cells.inside(self.distance, points)

    def normals(self, points: Tensor) -> Tensor:
        """points [N,3] world -> unit gradients of the signed distance [N,3]."""
        return self.cells.normals(self.distance, points)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """points [N,3] world -> sRGB [N,3] in 0-1, from all directions alike. Only when `has_color`."""
        check_shape("points", points, "N", 3)
        nearest = torch.from_numpy(self._tree.query(points.detach().cpu().numpy())[1])
        return self.colors[nearest].to(points.device)

    @cached_property
    def _tree(self) -> "KDTree":
        from scipy.spatial import KDTree

        return KDTree(self.points.numpy())
