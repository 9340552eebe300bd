"""Where vertical lines cross a triangle mesh: the exact core of inside tests, volumes and visibility.

A line through (x, y) along z crosses a triangle where its projection covers (x, y). Each edge votes by the
crossing rule (a half-open interval in y, then the side of the line), evaluated with its end points in a fixed
order, so the two triangles at an edge always agree: for a closed mesh the signed crossings of every line cancel
exactly, whatever the rounding, and no line slips through a seam.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

PAIRS_AT_ONCE = 2_000_000  # (triangle, line) candidates tested per chunk: about 0.5 GB of working memory
CELLS = 512  # most buckets per side of the grid that finds candidates


@dataclass(frozen=True)
class Crossings:
    """K crossings in no particular order."""

    line: Tensor  # [K] int64, index of the line
    triangle: Tensor  # [K] int64
    height: Tensor  # [K] float64, z of the crossing
    sign: Tensor  # [K] int8, +1 where the triangle's normal points up (+z), -1 where it points down


def column_crossings(
    triangles: Tensor,  # [M,3,3]
    lines: Tensor,  # [P,2] x and y
    check: Callable[[], None] = lambda: None,
) -> Crossings:
    """All crossings of P vertical lines with M triangles; vertical triangles have none."""
    triangles, lines = triangles.double(), lines.double()
    hits = []
    for triangle, line in _candidates(triangles, lines):
        check()
        corners = triangles[triangle]  # [K,3,3]
        sign = _winding(corners, lines[line])
        hit = sign != 0
        height = _height(corners[hit], lines[line[hit]])
        hits.append((line[hit], triangle[hit], height, sign[hit]))
    if not hits:
        empty = torch.zeros(0, dtype=torch.int64)
        return Crossings(empty, empty, empty.double(), empty.to(torch.int8))
    return Crossings(*(torch.cat(parts) for parts in zip(*hits, strict=True)))


def _winding(corners: Tensor, point: Tensor) -> Tensor:
    """Winding number of the projected triangles [K,3,3] about points [K,2]: [K] int8 in -1, 0, 1."""
    total = torch.zeros(len(corners), dtype=torch.int8)
    x, y = point.unbind(-1)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        a, b = corners[:, first, :2], corners[:, second, :2]
        upward = (a[:, 1] <= y) & (y < b[:, 1])
        downward = (b[:, 1] <= y) & (y < a[:, 1])
        low, high = torch.where(downward[:, None], b, a), torch.where(downward[:, None], a, b)
        left = (high[:, 0] - low[:, 0]) * (y - low[:, 1]) > (x - low[:, 0]) * (high[:, 1] - low[:, 1])
        total += (upward & left).to(torch.int8) - (downward & left).to(torch.int8)
    return total


def _height(corners: Tensor, point: Tensor) -> Tensor:
    """z of the triangles' planes [K,3,3] over points [K,2], kept within each triangle's own range. [K]."""
    a, b, c = corners.unbind(1)
    u, v, w = b - a, c - a, point - a[:, :2]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
    t = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    height = torch.nan_to_num(a[:, 2] + s * u[:, 2] + t * v[:, 2])
    return torch.minimum(torch.maximum(height, corners[..., 2].amin(1)), corners[..., 2].amax(1))


def _candidates(triangles: Tensor, lines: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Chunks of (triangle, line) index pairs that hold every pair whose bounding box covers the line.

    Lines are sorted into the cells of a grid; a triangle takes, row by row of the cells that its box touches, one
    contiguous run of the sorted lines.
    """
    if not len(triangles) or not len(lines):
        return
    low, high = lines.amin(0), lines.amax(0)
    cells = min(CELLS, max(1, int(len(lines) ** 0.5)))
    size = ((high - low) / cells).clamp_min(torch.finfo(torch.float64).tiny)

    def cell(points: Tensor) -> Tensor:
        return ((points - low) / size).floor().clamp(-1, cells).long()

    where = cell(lines).clamp(0, cells - 1)
    key, order = (where[:, 1] * cells + where[:, 0]).sort()
    start = torch.searchsorted(key, torch.arange(cells * cells + 1))  # first sorted line of each cell
    box_low, box_high = triangles[..., :2].amin(1), triangles[..., :2].amax(1)
    inside = ((box_high >= low) & (box_low <= high)).all(-1).nonzero().flatten()
    first, last = (cell(box[inside]).clamp(0, cells - 1) for box in (box_low, box_high))

    rows, owner = _expand(last[:, 1] - first[:, 1] + 1)  # one entry per triangle and cell row
    row = first[owner, 1] + rows
    run = start[row * cells + first[owner, 0]], start[row * cells + last[owner, 0] + 1]
    length = run[1] - run[0]
    for piece in _pieces(length):
        offset, entry = _expand(length[piece])
        line = order[run[0][piece][entry] + offset]
        triangle = inside[owner[piece][entry]]
        point = lines[line]
        covered = ((point >= box_low[triangle]) & (point <= box_high[triangle])).all(-1)
        yield triangle[covered], line[covered]


def _expand(counts: Tensor) -> tuple[Tensor, Tensor]:
    """For counts [N]: (0..c0-1, 0..c1-1, ...) and the owner of each entry, both [sum of counts]."""
    owner = torch.arange(len(counts)).repeat_interleave(counts)
    begin = counts.cumsum(0) - counts
    return torch.arange(len(owner)) - begin[owner], owner


def _pieces(length: Tensor) -> Iterator[slice]:
    """Slices of `length` [N] whose sums stay near `PAIRS_AT_ONCE`."""
    if not len(length):
        return
    chunk = (length.cumsum(0) - length) // PAIRS_AT_ONCE
    edges = [0, *(torch.nonzero(chunk.diff()).flatten() + 1).tolist(), len(length)]
    yield from (slice(a, b) for a, b in pairwise(edges))
