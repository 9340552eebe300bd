"""Scan conversion of screen triangles by tensor operations: the pixel centres inside each.

Each triangle is divided into rows and each row into a span of pixels, so the cost of slivers and of screen-filling
triangles is in proportion to their pixels. (Edge functions: Pineda 1988, "A Parallel Algorithm for Polygon
Rasterization".)
"""

from collections.abc import Iterator

import torch
from torch import Tensor

PIXELS_PER_CHUNK = 1 << 20  # box pixels processed at once: temporaries of about 100 MB
EDGE_SLACK_PX = 1e-4  # neighbours overlap at their border instead of leaving cracks between rounded edges
HORIZONTAL = 1e-9  # x-part of an edge's unit normal below which the edge does not bound spans


def covered_pixels(
    corners: Tensor,  # [T,3,2] pixels (x,y), pixel centres at +0.5
    height: int,
    width: int,
    chunk: int = PIXELS_PER_CHUNK,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Pixel centres inside triangles, as chunks of (triangle [P], x [P], y [P]) int64.

    Both windings count. Triangles without area, or with a corner that is not finite, cover nothing.
    """
    first, last = _pixel_boxes(corners, height, width)
    size = (last - first + 1).clamp_min(0)  # [T,2]
    box = size.prod(-1)
    rows = ((box > 0) & corners.isfinite().all(-1).all(-1) & (doubled_area(corners) != 0)).nonzero().flatten()
    if not len(rows):
        return
    pixels = box[rows].cumsum(0)
    pieces = int(pixels[-1]) // chunk + 1
    targets = torch.arange(1, pieces, device=pixels.device) * chunk
    cuts = [0, *torch.searchsorted(pixels, targets).tolist(), len(rows)]
    for start, end in zip(cuts[:-1], cuts[1:], strict=True):
        if end > start:
            part = rows[start:end]
            local, x, y = _scan(corners[part], first[part], last[part])
            yield part[local], x, y


def doubled_area(corners: Tensor) -> Tensor:
    """Twice the signed area [T] of screen triangles [T,3,2]; the sign is the winding."""
    a, b, c = corners.unbind(1)
    return cross(b - a, c - a)


def cross(u: Tensor, v: Tensor) -> Tensor:
    """z-part of the cross product of plane vectors [...,2] -> [...]."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _pixel_boxes(corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """First and last pixel (x,y) of each triangle's box in the image: two [T,2] int64; last < first if it is empty."""
    limit = corners.new_tensor([width, height])
    low = torch.minimum(corners.amin(1).nan_to_num(0).clamp_min(0), limit)
    high = torch.minimum(corners.amax(1).nan_to_num(0).clamp_min(0), limit)
    first = (low - 0.5 - EDGE_SLACK_PX).ceil().clamp_min(0)
    last = torch.minimum((high - 0.5 + EDGE_SLACK_PX).floor(), limit - 1)
    return first.long(), last.long()


def _scan(corners: Tensor, first: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (triangle, x, y), each [P], of triangles [T,3,2] whose boxes are not empty."""
    triangle, y = _expand(first[:, 1], last[:, 1])
    low, high = _row_bounds(corners, triangle, y)
    begin = torch.maximum((low - 0.5).ceil().long(), first[triangle, 0])
    end = torch.minimum((high - 0.5).floor().long(), last[triangle, 0])
    row, x = _expand(begin, end)
    return triangle[row], x, y[row]


def _row_bounds(corners: Tensor, triangle: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Span of each row's centre line in its triangle: lower and upper x, each [R]; low > high if it misses it."""
    edge = corners.roll(-1, 1) - corners
    inward = torch.stack([-edge[..., 1], edge[..., 0]], -1) * doubled_area(corners).sign()[:, None, None]
    inward = torch.nn.functional.normalize(inward, dim=-1, eps=1e-20)[triangle]  # [R,3,2]
    start = corners[triangle]
    rest = inward[..., 1] * (y[:, None] + 0.5 - start[..., 1]) + EDGE_SLACK_PX
    slope = inward[..., 0]
    level = slope.abs() < HORIZONTAL
    crossing = (start[..., 0] - rest / torch.where(level, 1.0, slope)).clamp(-1e9, 1e9)
    outside = level & (rest < 0)
    low = torch.where((slope > 0) & ~level, crossing, -1e9).amax(1)
    high = torch.where((slope < 0) & ~level, crossing, 1e9).amin(1)
    return low, torch.where(outside.any(1), -1e9, high)


def _expand(first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Concatenated ranges first[i]..last[i]. -> (i, integer), each [sum of lengths]."""
    count = (last - first + 1).clamp_min(0)
    owner = torch.repeat_interleave(count)
    offset = count.cumsum(0) - count
    return owner, torch.arange(len(owner), device=first.device) - offset[owner] + first[owner]
