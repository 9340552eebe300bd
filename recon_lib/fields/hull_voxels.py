"""Voxels of a visual hull, coarse to fine (Szeliski 1993, "Rapid octree construction from image sequences", with
distances to the outline in place of projected squares).

A cell is carved as soon as its footprint in one view is outside the silhouette, and is settled for a view if its
footprint is inside; undecided cells are split. Both decisions are conservative, and at the finest level the centres
of the voxels themselves are tested, so the result equals that of testing the centre of every voxel.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import torch
import torch.nn.functional as F
from torch import Tensor

from ..progress import Progress
from .hull import HullField

COARSE = 16  # cells along a side at the first level
AT_ONCE = 16384  # cells that are split at once: 131072 children
# Bilinear reading uses pixels up to 1.42 away, and their mean distance is that of the point within 0.71.
OUT_SLACK_PX = 2.5  # 2 x 0.71 for both readings, 1 for outlines that are not half-way between their pixels
IN_SLACK_PX = 3.2  # 0.71 + 1.42 for both readings, 1 for how far beyond its pixels the object may extend


@dataclass(frozen=True)
class HullVoxels:
    """Voxels of a hull."""

    occupancy: Tensor  # [R,R,R] bool (z,y,x), on the field's device
    tests: int  # tests of a cell or voxel against a view; testing all voxels takes R^3 V


def voxel_centres(cells: Tensor, resolution: int, radius: float, step: int = 1) -> Tensor:
    """Centres [N,3] (x,y,z), world, of cells [N,3] int64 (z,y,x) of `step` voxels each, in a cube of +-`radius`."""
    return ((cells.flip(-1) + 0.5) * (2 * step / resolution) - 1) * radius


def levels(resolution: int) -> int:
    """Number of levels of the octree."""
    return max(resolution // COARSE, 1).bit_length()


def hull_voxels(hull: HullField, resolution: int, progress: Progress | None = None) -> HullVoxels:
    """Voxels of the hull's cube whose centres are inside. Makes `levels(resolution)` steps of `progress`."""
    progress, device = progress or Progress(), hull.silhouettes.device
    classifier = _CellClassifier(hull, resolution)
    step = 1 << (levels(resolution) - 1)
    side = -(-resolution // step)
    occupancy = torch.zeros(side, side, side, dtype=torch.bool, device=device)
    cells = (~occupancy).nonzero()
    groups: Iterable[_Cells] = [_Cells(cells, cells.new_zeros(len(cells), len(hull.cameras), dtype=torch.bool))]
    while True:
        undecided_parts = []
        for group in groups:
            progress.check()
            inside, undecided = classifier.classify(group, step)
            occupancy[tuple(inside.T)] = True
            undecided_parts.append(undecided)
        progress.step()
        if step == 1:
            return HullVoxels(occupancy, classifier.tests)
        step //= 2
        side = -(-resolution // step)
        occupancy = _doubled(occupancy, side)
        groups = _split(_Cells.cat(undecided_parts), side)


@dataclass(frozen=True)
class _Cells:
    """Undecided cells."""

    numbers: Tensor  # [N,3] int64 (z,y,x)
    settled: Tensor  # [N,V] bool, views whose silhouette contains the cell's footprint

    def __getitem__(self, rows: Tensor | slice) -> "_Cells":
        return _Cells(self.numbers[rows], self.settled[rows])

    @classmethod
    def cat(cls, parts: list["_Cells"]) -> "_Cells":
        return cls(torch.cat([p.numbers for p in parts]), torch.cat([p.settled for p in parts]))


def _split(cells: _Cells, side: int) -> Iterator[_Cells]:
    """Children, up to eight a cell, of all cells, in chunks; those beyond the grid of `side` cells are dropped."""
    corners = torch.cartesian_prod(*[torch.arange(2, device=cells.numbers.device)] * 3)
    for start in range(0, max(len(cells.numbers), 1), AT_ONCE):
        part = cells[start : start + AT_ONCE]
        numbers = (2 * part.numbers[:, None] + corners).reshape(-1, 3)
        within = (numbers < side).all(1)
        yield _Cells(numbers, part.settled.repeat_interleave(8, 0))[slice(None) if within.all() else within]


def _doubled(occupancy: Tensor, side: int) -> Tensor:
    """Occupancy of the eight children of every cell, cut to `side` cells."""
    for axis in range(3):
        occupancy = occupancy.repeat_interleave(2, axis)
    return occupancy[:side, :side, :side].contiguous()


@dataclass
class _CellClassifier:
    """Classification of cells as inside, outside or undecided."""

    hull: HullField
    resolution: int
    tests: int = 0
    depth_ranges: dict[int, tuple[Tensor, Tensor]] = dataclass_field(default_factory=dict)

    def classify(self, cells: _Cells, step: int) -> tuple[Tensor, _Cells]:
        """Numbers [K,3] of the cells that are wholly inside, and the undecided cells (none at step 1)."""
        hull = self.hull
        centres = voxel_centres(cells.numbers, self.resolution, hull.radius, step)
        cell_radius = math.sqrt(3) * hull.radius * step / self.resolution if step > 1 else 0.0
        distance = centres.norm(dim=-1)
        alive, settled = distance < hull.radius + cell_radius, cells.settled.T.contiguous()
        for view in range(len(hull.cameras)):
            rows = (alive & ~settled[view]).nonzero().flatten()
            self.tests += len(rows)
            if cell_radius:
                outside, settled[view, rows] = self._outside_and_inside(view, centres[rows], cell_radius)
            else:
                outside = hull.silhouette_distance(view, centres[rows]) <= 0
            alive[rows[outside]] = False
        if not cell_radius:
            return cells.numbers[alive], cells[:0]
        inside = alive & settled.all(0) & (distance < hull.radius - cell_radius)
        undecided = (alive & ~inside).nonzero().flatten()
        return cells.numbers[inside], _Cells(cells.numbers[undecided], settled[:, undecided].T)

    def _outside_and_inside(self, view: int, centres: Tensor, radius: float) -> tuple[Tensor, Tensor]:
        """Balls of `radius` around centres [N,3] that one view certainly carves, and certainly keeps; [N] bool."""
        hull = self.hull
        footprint = Footprint.of(hull, view, centres, radius)
        in_front = footprint.depth > radius
        framed = in_front & hull.framed(footprint.pixels, footprint.spread)
        unseen = (footprint.depth < -radius) | (in_front & ~hull.framed(footprint.pixels, -footprint.spread))
        distance = hull.read(hull.silhouettes, view, footprint.pixels)
        outside = framed & (distance <= -(footprint.spread + hull.margin + OUT_SLACK_PX))
        inside = in_front & (distance >= footprint.spread + IN_SLACK_PX)
        if hull.nearest is not None:
            low, high = self._depth_range(view, footprint)
            outside |= framed & (footprint.depth + radius < low)
            inside &= footprint.depth - radius > high
        return outside, inside | unseen

    def _depth_range(self, view: int, footprint: "Footprint") -> tuple[Tensor, Tensor]:
        """Smallest and largest value [N] of `nearest` that may be read within the footprints."""
        largest = (
            float(footprint.spread.clamp_max(max(self.hull.nearest.shape)).max()) if len(footprint.spread) else 0.0
        )
        block = 1 << math.ceil(math.log2(largest + 2))
        if block not in self.depth_ranges:
            self.depth_ranges[block] = _block_range(self.hull.nearest, block)
        low, high = self.depth_ranges[block]
        x, y = (footprint.pixels / block).floor().unbind(-1)
        index = y.clamp(0, low.shape[-2] - 1).long() * low.shape[-1] + x.clamp(0, low.shape[-1] - 1).long()
        return low[view].flatten()[index], high[view].flatten()[index]


@dataclass(frozen=True)
class Footprint:
    """Footprints of balls in a view."""

    pixels: Tensor  # [N,2] of the centre
    depth: Tensor  # [N] of the centre
    spread: Tensor  # [N] radius, pixels, that bounds the ball's projection, if it is in front of the camera

    @classmethod
    def of(cls, hull: HullField, view: int, centres: Tensor, radius: float) -> "Footprint":
        """Footprints of balls of `radius` around centres [N,3].

        The projection of a point offset by d from (x, y, z) is |d_xy - (x, y) d_z / z| / (z + d_z) from that point's,
        at depth 1: at most |d| sqrt(1 + (x^2 + y^2) / z^2) / (z - |d|).
        """
        pixels, depth = hull.project(view, centres)
        matrix, eye = hull.cameras.intrinsics[view].to(centres), hull.cameras.position[view].to(centres)
        slant = (centres - eye).norm(dim=-1) / depth.clamp_min(1e-8)
        focal = matrix[[0, 1], [0, 1]].max() + matrix[0, 1].abs()
        return cls(pixels, depth, focal * radius * slant / (depth - radius).clamp_min(1e-8))


def _block_range(layer: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Smallest and largest value, [V,1,h,w] each, of [V,1,H,W] in the 3 x 3 blocks around every block of pixels."""
    low, high = (F.max_pool2d(F.max_pool2d(sign * layer, block, ceil_mode=True), 3, 1, 1) * sign for sign in (-1, 1))
    return low, high
