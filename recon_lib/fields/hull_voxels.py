"""Which voxels lie inside a visual hull, coarse to fine (Szeliski 1993, "Rapid octree construction from image
sequences", with distances to the outline in place of projected squares).

A cell is dropped as soon as one view shows nothing of the object wherever the cell may appear, and is done with a view
that shows only object there; what stays open is split. Both verdicts are certain, and at the finest level the centres
of the voxels themselves are asked, so the answer is that of asking the centre of every voxel.
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

COARSE = 16  # cells along a side at the first look
AT_ONCE = 16384  # cells that are split at once: 131072 children
# Bilinear reading draws on pixels up to 1.42 away, and their average distance is that of the read point within 0.71.
OUT_SLACK = 2.5  # pixels: 2 x 0.71 for both readings, 1 for outlines that do not run half-way between their pixels
IN_SLACK = 3.2  # 0.71 + 1.42 for both readings, 1 for how far beyond its pixels the object may reach


@dataclass(frozen=True)
class HullVoxels:
    """A hull on a grid."""

    occupancy: Tensor  # [R,R,R] bool (z,y,x), on the field's device
    tests: int  # cells and voxels that were held against a view; asking everywhere takes R^3 V


def voxel_centres(cells: Tensor, resolution: int, radius: float, step: int = 1) -> Tensor:
    """Centres [N,3] (x,y,z), world, of cells [N,3] int64 (z,y,x) of `step` voxels each, in a cube of +-`radius`."""
    return ((cells.flip(-1) + 0.5) * (2 * step / resolution) - 1) * radius


def levels(resolution: int) -> int:
    """How many times the cells are looked at."""
    return max(resolution // COARSE, 1).bit_length()


def hull_voxels(hull: HullField, resolution: int, progress: Progress | None = None) -> HullVoxels:
    """The voxels of the hull's cube whose centres lie inside. Makes `levels(resolution)` steps of `progress`."""
    progress, device = progress or Progress(), hull.silhouettes.device
    looker = _Looker(hull, resolution)
    step = 1 << (levels(resolution) - 1)
    side = -(-resolution // step)
    taken = torch.zeros(side, side, side, dtype=torch.bool, device=device)
    cells = (~taken).nonzero()
    groups: Iterable[_Cells] = [_Cells(cells, cells.new_zeros(len(cells), len(hull.cameras), dtype=torch.bool))]
    while True:
        still_open = []
        for group in groups:
            progress.check()
            found, rest = looker.look_at(group, step)
            taken[tuple(found.T)] = True
            still_open.append(rest)
        progress.step()
        if step == 1:
            return HullVoxels(taken, looker.tests)
        step //= 2
        side = -(-resolution // step)
        taken = _doubled(taken, side)
        groups = _split(_Cells.cat(still_open), side)


@dataclass(frozen=True)
class _Cells:
    """Cells that are neither dropped nor taken."""

    numbers: Tensor  # [N,3] int64 (z,y,x)
    settled: Tensor  # [N,V] bool, views that show only object where the cell may appear

    def __getitem__(self, rows: Tensor | slice) -> "_Cells":
        return _Cells(self.numbers[rows], self.settled[rows])

    @classmethod
    def cat(cls, parts: list["_Cells"]) -> "_Cells":
        return cls(torch.cat([p.numbers for p in parts]), torch.cat([p.settled for p in parts]))


def _split(cells: _Cells, side: int) -> Iterator[_Cells]:
    """The up to eight children of all cells, in pieces; those beyond the grid of `side` cells are left out."""
    corners = torch.cartesian_prod(*[torch.arange(2, device=cells.numbers.device)] * 3)
    for start in range(0, max(len(cells.numbers), 1), AT_ONCE):
        part = cells[start : start + AT_ONCE]
        numbers = (2 * part.numbers[:, None] + corners).reshape(-1, 3)
        within = (numbers < side).all(1)
        yield _Cells(numbers, part.settled.repeat_interleave(8, 0))[slice(None) if within.all() else within]


def _doubled(taken: Tensor, side: int) -> Tensor:
    """Every cell as its eight children, cut to `side` cells."""
    for axis in range(3):
        taken = taken.repeat_interleave(2, axis)
    return taken[:side, :side, :side].contiguous()


@dataclass
class _Looker:
    """Holds cells against all views."""

    hull: HullField
    resolution: int
    tests: int = 0
    depth_ranges: dict[int, tuple[Tensor, Tensor]] = dataclass_field(default_factory=dict)

    def look_at(self, cells: _Cells, step: int) -> tuple[Tensor, _Cells]:
        """Numbers [K,3] of the cells that lie wholly inside, and those that stay open (none at step 1)."""
        hull = self.hull
        centres = voxel_centres(cells.numbers, self.resolution, hull.radius, step)
        reach = math.sqrt(3) * hull.radius * step / self.resolution if step > 1 else 0.0
        distance = centres.norm(dim=-1)
        alive, settled = distance < hull.radius + reach, cells.settled.T.contiguous()
        for view in range(len(hull.cameras)):
            rows = (alive & ~settled[view]).nonzero().flatten()
            self.tests += len(rows)
            if reach:
                out, settled[view, rows] = self._verdict(view, centres[rows], reach)
            else:
                out = hull.silhouette_distance(view, centres[rows]) <= 0
            alive[rows[out]] = False
        if not reach:
            return cells.numbers[alive], cells[:0]
        whole = alive & settled.all(0) & (distance < hull.radius - reach)
        rest = (alive & ~whole).nonzero().flatten()
        return cells.numbers[whole], _Cells(cells.numbers[rest], settled[:, rest].T)

    def _verdict(self, view: int, centres: Tensor, reach: float) -> tuple[Tensor, Tensor]:
        """Balls of radius `reach` around centres [N,3]: surely carved by this view, surely not. -> two [N] bool"""
        hull = self.hull
        shown = Footprint.of(hull, view, centres, reach)
        before = shown.depth > reach
        whole = before & hull.framed(shown.pixels, shown.spread)
        beside = (shown.depth < -reach) | (before & ~hull.framed(shown.pixels, -shown.spread))
        distance = hull.read(hull.silhouettes, view, shown.pixels)
        out = whole & (distance <= -(shown.spread + hull.margin + OUT_SLACK))
        kept = before & (distance >= shown.spread + IN_SLACK)
        if hull.nearest is not None:
            low, high = self._depth_range(view, shown)
            out |= whole & (shown.depth + reach < low)
            kept &= shown.depth - reach > high
        return out, kept | beside

    def _depth_range(self, view: int, shown: "Footprint") -> tuple[Tensor, Tensor]:
        """Smallest and largest value [N] of `nearest` wherever it may be read within the footprints."""
        largest = float(shown.spread.clamp_max(max(self.hull.nearest.shape)).max()) if len(shown.spread) else 0.0
        block = 1 << math.ceil(math.log2(largest + 2))
        if block not in self.depth_ranges:
            self.depth_ranges[block] = _block_range(self.hull.nearest, block)
        low, high = self.depth_ranges[block]
        x, y = (shown.pixels / block).floor().unbind(-1)
        place = y.clamp(0, low.shape[-2] - 1).long() * low.shape[-1] + x.clamp(0, low.shape[-1] - 1).long()
        return low[view].flatten()[place], high[view].flatten()[place]


@dataclass(frozen=True)
class Footprint:
    """Where balls appear in a view."""

    pixels: Tensor  # [N,2] of the centre
    depth: Tensor  # [N] of the centre
    spread: Tensor  # [N] pixels from there within which the whole ball appears, if it lies before the camera

    @classmethod
    def of(cls, hull: HullField, view: int, centres: Tensor, reach: float) -> "Footprint":
        """Of balls of radius `reach` around centres [N,3].

        A point d away from (x, y, z) appears |d_xy - (x, y) d_z / z| / (z + d_z) away from it, at depth 1: at most
        |d| sqrt(1 + (x^2 + y^2) / z^2) / (z - |d|).
        """
        pixels, depth = hull.project(view, centres)
        matrix, eye = hull.cameras.intrinsics[view].to(centres), hull.cameras.position[view].to(centres)
        slant = (centres - eye).norm(dim=-1) / depth.clamp_min(1e-8)
        focal = matrix[[0, 1], [0, 1]].max() + matrix[0, 1].abs()
        return cls(pixels, depth, focal * reach * slant / (depth - reach).clamp_min(1e-8))


def _block_range(layer: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Smallest and largest value of [V,1,H,W] in 3 x 3 blocks around every block of pixels. -> two [V,1,h,w]"""
    low, high = (F.max_pool2d(F.max_pool2d(sign * layer, block, ceil_mode=True), 3, 1, 1) * sign for sign in (-1, 1))
    return low, high
