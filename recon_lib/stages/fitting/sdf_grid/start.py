"""The start of a fit: its bounds, its first signed distances, and the colours of a coloured start."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ....errors import BadInput
from ....fields.cells import Cells
from ....fields.distance_grid import DistanceGrid
from ....fields.field import Field
from ....fields.lattice import SparseLattice
from ....fields.sdf_grid import SdfGrid
from ....memory import default_chunk, in_chunks
from ....networks.volsdf.grid_color import NEUTRAL
from ....views.object_frame import view_center
from ....views.views import Views
from .hull_start import HullStart
from .silhouettes import Silhouettes

ROOM = 1.05  # factor of the hull's box
LIMIT_NODES = 64  # nodes a side at which a limiting hull is asked
SEARCH_NODES = 48  # a side of the grid that the hull's bounds are searched in
BESIDE = 1.5  # cells
SPARSE_NODES = 97  # nodes a side from which on a grid is sampled near the surface alone
COARSE, BAND = 24, 3  # cells a side that this begins with; nodes beside the surface that are known in the end
COLOR_MARGIN = 0.02  # colours nearer to 0 and 1 have logits too large to be trained away


@dataclass(frozen=True)
class ColorStart:
    """Features of a coloured field that is no `SdfGrid`: logits of its colours, and zeros."""

    field: Field
    width: int

    def features_at(self, points: Tensor) -> Tensor:
        """points [N,3] world -> features [N,C]."""
        features = points.new_zeros(len(points), self.width)
        colors = in_chunks(self.field.color, points, default_chunk("cpu"))
        features[:, :NEUTRAL] = torch.logit(colors.clamp(COLOR_MARGIN, 1 - COLOR_MARGIN))
        return features


@dataclass(frozen=True)
class HullLimit:
    """A field outside of which nothing may be, asked once at the nodes of a grid."""

    cells: Cells
    values: Tensor | None  # [G,G,G] > 0 inside; None: no limit

    @classmethod
    def of(cls, hull: Field | None, cells: Cells, check: Callable[[], None]) -> "HullLimit":
        """The limit by `hull` in the cube of `cells`; None limits nothing."""
        cells = cells.finer(LIMIT_NODES)
        if hull is None:
            return cls(cells, None)
        values = in_chunks(lambda p: hull.inside(p).float().cpu(), cells.positions(), default_chunk("cpu"), check)
        return cls(cells, values.view((LIMIT_NODES,) * 3))

    def least(self, cells: Cells) -> Tensor | None:
        """The least distances that a grid may have [G^3]: above 0 outside the hull, nothing within."""
        if self.values is None:
            return None
        values = F.interpolate(self.values[None, None], size=(cells.nodes,) * 3, mode="trilinear", align_corners=True)
        return torch.where(values < 0, cells.spacing / 2, float("-inf")).view(-1)


def find_bounds(views: Views) -> Tensor:
    """The box [2,3] around the visual hull of the masks, world units."""
    center, radius = view_center(views)
    cells = Cells.within(torch.stack([center - radius, center + radius]), SEARCH_NODES)
    hull = Silhouettes.of(views)
    points = cells.positions()
    within = in_chunks(hull.inside, points, default_chunk("cpu")) > -cells.spacing / 2
    if radius == 1.0 and not center.any():
        within &= points.norm(dim=-1) < 1
    if not within.any():
        raise BadInput("The masks have no point in common; check that cameras and masks belong together.")
    low, high = points[within].amin(0) - cells.spacing, points[within].amax(0) + cells.spacing
    middle, half = (low + high) / 2, (high - low) / 2 * ROOM
    return torch.stack([middle - half, middle + half])


def around_both(first: Tensor, second: Tensor) -> Tensor:
    """The box [2,3] around two boxes."""
    return torch.stack([torch.minimum(first[0], second[0]), torch.maximum(first[1], second[1])])


def starting_distance(field: Field | Silhouettes | HullStart, cells: Cells, check: Callable[[], None]) -> Tensor:
    """Signed distances [G,G,G] of a field at the nodes, < 0 inside.

    A grid of distances holds them; of other fields only the sign counts and where it changes.
    """
    if isinstance(field, SdfGrid) and field.cells is cells:
        values = -field.distance.view(-1)  # as they are: reading them would round them
    else:
        values = _sampled(field, cells, check)
    side = cells.nodes
    if not (values > 0).any():
        raise BadInput("Nothing lies inside the field that the fit starts from; check its masks and cameras.")
    values = -values.clamp(-cells.side, cells.side).view(side, side, side)
    return values if isinstance(field, SdfGrid | DistanceGrid) else redistanced(values, cells.spacing)


def _sampled(field: Field | Silhouettes | HullStart, cells: Cells, check: Callable[[], None]) -> Tensor:
    """Values [G^3] of a field at the nodes; of a fine grid only those near the surface, and signs elsewhere."""

    def inside(points: Tensor) -> Tensor:
        return in_chunks(lambda p: field.inside(p).float().cpu(), points, default_chunk("cpu"), check)

    if cells.nodes < SPARSE_NODES:
        return inside(cells.positions())

    def evaluate(nodes: np.ndarray) -> np.ndarray:
        return inside(cells.low + torch.from_numpy(nodes).float() * cells.spacing).numpy()

    feature = int(getattr(field, "min_feature_size", 0.0) / cells.spacing)
    lattice = SparseLattice(evaluate, np.full(3, cells.nodes - 1), COARSE, min_feature_cells=feature, check=check)
    lattice.sample()
    lattice.sample_beside_surface(BAND)
    return torch.from_numpy(lattice.read_all().reshape(-1))


def redistanced(values: Tensor, spacing: float) -> Tensor:
    """The signed distance to where `values` [G,G,G] change their sign, with their sign: [G,G,G], world units.

    To the crossings on the lattice's edges, found linearly; beside the surface, where these lie too far apart, at most
    the value over its slope.
    """
    from scipy.spatial import KDTree

    crossings = []
    inside = values < 0
    for axis in range(3):
        count = values.shape[axis] - 1
        a, b = values.narrow(axis, 0, count), values.narrow(axis, 1, count)
        edge = (inside.narrow(axis, 0, count) != inside.narrow(axis, 1, count)).nonzero()
        fraction = (a / (a - b))[tuple(edge.T)].clamp(0, 1)
        point = edge.float()
        point[:, axis] += fraction
        crossings.append(point)
    points = torch.cat(crossings)
    if not len(points):
        return torch.where(inside, -1.0, 1.0) * spacing * len(values)
    distance = _to_other_sign(inside)
    near = (distance <= BAND if len(values) >= SPARSE_NODES else torch.ones_like(inside)).nonzero()
    distance[tuple(near.T)] = torch.from_numpy(KDTree(points.numpy()).query(near.numpy())[0]).float()
    slope = torch.stack(torch.gradient(values)).norm(dim=0)
    linear = values.abs() / slope.clamp_min(torch.finfo(slope.dtype).tiny)
    distance = torch.where(distance < BESIDE, torch.minimum(distance, linear), distance)
    return torch.where(inside, -1.0, 1.0) * distance * spacing


def _to_other_sign(inside: Tensor) -> Tensor:
    """Spacings from each node [G,G,G] to where the sign changes, about half a one before the nearest other node."""
    from scipy.ndimage import distance_transform_edt

    solid = inside.numpy()
    within, without = distance_transform_edt(solid), distance_transform_edt(~solid)
    return torch.from_numpy(np.asarray(within) + np.asarray(without) - 0.5).float()
