"""Which pixel centres lie inside which screen triangles: a scan converter written as tensor operations.

Each triangle is cut into rows and each row into a span of pixels, so slivers and screen-filling triangles cost
what they cover and nothing more. (Edge functions: Pineda 1988, "A Parallel Algorithm for Polygon Rasterization".)
"""

from collections.abc import Iterator

import torch
from torch import Tensor

PIXELS_PER_CHUNK = 1 << 20  # box pixels handled at once: 1 M keeps the temporaries near 100 MB
EDGE_SLACK = 1e-4  # pixels: neighbours share their border instead of leaving cracks between rounded edges
HORIZONTAL = 1e-9  # below this an edge's unit normal has no x-part that could bound a span


def covered_pixels(
    corners: Tensor,  # [T,3,2] pixels (x,y), pixel centres at +0.5
    height: int,
    width: int,
    chunk: int = PIXELS_PER_CHUNK,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (triangle [P], x [P], y [P]) int64 in pieces: every pixel centre inside every triangle.

    Both windings count. Triangles without area, or with a corner that is not finite, cover nothing.
    """
    first, last = _pixel_boxes(corners, height, width)
    size = (last - first + 1).clamp_min(0)  # [T,2]
    box = size.prod(-1)
    kept = ((box > 0) & corners.isfinite().all(-1).all(-1) & (doubled_area(corners) != 0)).nonzero().flatten()
    if not len(kept):
        return
    filled = box[kept].cumsum(0)
    pieces = int(filled[-1]) // chunk + 1
    goals = torch.arange(1, pieces, device=filled.device) * chunk
    cuts = [0, *torch.searchsorted(filled, goals).tolist(), len(kept)]
    for start, end in zip(cuts[:-1], cuts[1:], strict=True):
        if end > start:
            part = kept[start:end]
            local, x, y = _scan(corners[part], first[part], last[part])
            yield part[local], x, y


def doubled_area(corners: Tensor) -> Tensor:
    """Twice the signed area of screen triangles [T,3,2] -> [T]; the sign tells the winding."""
    a, b, c = corners.unbind(1)
    return cross(b - a, c - a)


def cross(u: Tensor, v: Tensor) -> Tensor:
    """z-part of the cross product of plane vectors [...,2] -> [...]."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _pixel_boxes(corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """First and last pixel (x,y) of each triangle's box within the image: two [T,2] int64; last < first: none."""
    limit = corners.new_tensor([width, height])
    low = torch.minimum(corners.amin(1).nan_to_num(0).clamp_min(0), limit)
    high = torch.minimum(corners.amax(1).nan_to_num(0).clamp_min(0), limit)
    first = (low - 0.5 - EDGE_SLACK).ceil().clamp_min(0)
    last = torch.minimum((high - 0.5 + EDGE_SLACK).floor(), limit - 1)
    return first.long(), last.long()


def _scan(corners: Tensor, first: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels of triangles [T,3,2] whose boxes are not empty -> (triangle, x, y), each [P]."""
    triangle, y = _expand(first[:, 1], last[:, 1])
    low, high = _row_bounds(corners, triangle, y)
    begin = torch.maximum((low - 0.5).ceil().long(), first[triangle, 0])
    end = torch.minimum((high - 0.5).floor().long(), last[triangle, 0])
    row, x = _expand(begin, end)
    return triangle[row], x, y[row]


def _row_bounds(corners: Tensor, triangle: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Where each row's centre line enters and leaves its triangle: x [R] and x [R]; low > high: misses it."""
    ahead = corners.roll(-1, 1) - corners
    inward = torch.stack([-ahead[..., 1], ahead[..., 0]], -1) * doubled_area(corners).sign()[:, None, None]
    inward = torch.nn.functional.normalize(inward, dim=-1, eps=1e-20)[triangle]  # [R,3,2]
    start = corners[triangle]
    rest = inward[..., 1] * (y[:, None] + 0.5 - start[..., 1]) + EDGE_SLACK
    slope = inward[..., 0]
    level = slope.abs() < HORIZONTAL
    crossing = (start[..., 0] - rest / torch.where(level, 1.0, slope)).clamp(-1e9, 1e9)
    outside = level & (rest < 0)
    low = torch.where((slope > 0) & ~level, crossing, -1e9).amax(1)
    high = torch.where((slope < 0) & ~level, crossing, 1e9).amin(1)
    return low, torch.where(outside.any(1), -1e9, high)


def _expand(first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Integers first[i]..last[i] of every i in one list -> (i, integer), each [sum of lengths]."""
    count = (last - first + 1).clamp_min(0)
    owner = torch.repeat_interleave(count)
    offset = count.cumsum(0) - count
    return owner, torch.arange(len(owner), device=first.device) - offset[owner] + first[owner]
