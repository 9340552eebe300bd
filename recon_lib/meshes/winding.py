"""Generalised winding numbers of triangle soups (Jacobson, Kavan and Sorkine-Hornung 2013, equation 3).

Far triangles count together as a dipole, in a binary tree over their places (Barill et al. 2018, "Fast winding numbers
for soups and clouds", the first term of its equation 5).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_shape
from ..progress import unchecked

LEAF, BLOCK = 8, 64  # triangles, points
FAR = 2.0  # radii of a cluster from which it counts as a dipole: 2 as published
PAIRS_AT_ONCE = 1 << 20  # of a point and a triangle or cluster: about 0.1 GB of working memory
MORTON_BITS = 10  # an axis


def winding_numbers(triangles: Tensor, points: Tensor, check: Callable[[], None] = unchecked) -> Tensor:
    """How often triangles [M,3,3], counter-clockwise seen from outside, wind around points [N,3]: [N] float32.

    1 inside a closed mesh, 0 outside, 2 where two bodies overlap; near the rim of a hole it changes gradually. Within
    about 0.02. Memory grows with M + N.
    """
    check_shape("triangles", triangles, "M", 3, 3)
    check_shape("points", points, "N", 3)
    total = torch.zeros(len(points))
    if not len(triangles) or not len(points):
        return total
    triangles, points = triangles.float(), points.float()
    order = _morton_order(points)
    blocks = _padded(points[order], BLOCK)  # [B,BLOCK,3]
    sums = torch.zeros(blocks.shape[:2])
    tree = _Tree.of(triangles)
    for block, values in _contributions(tree, blocks, check):
        sums.index_add_(0, block, values)
    total[order] = sums.view(-1)[: len(points)]
    return total


def solid_angles(triangles: Tensor) -> Tensor:
    """Signed solid angles of triangles [...,3,3] seen from the origin, over 4 pi: [...] in -0.5 to 0.5.

    Van Oosterom and Strackee 1983, "The solid angle of a plane triangle", equation 8.
    """
    a, b, c = triangles.unbind(-2)
    lengths = triangles.norm(dim=-1)
    numerator = (a * torch.linalg.cross(b, c)).sum(-1)
    denominator = lengths.prod(-1)
    for i, (first, second) in enumerate(((b, c), (c, a), (a, b))):
        denominator = denominator + (first * second).sum(-1) * lengths[..., i]
    return torch.atan2(numerator, denominator) / (2 * math.pi)


@dataclass(frozen=True)
class _Level:
    """Clusters of one depth of the tree."""

    normal: Tensor  # [K,3] sum of the triangles' area vectors
    center: Tensor  # [K,3] weighted by area
    radius: Tensor  # [K] around the centre
    area: Tensor  # [K]

    def merged(self) -> "_Level":
        """The next level: neighbours in pairs."""
        normal, center, radius, area = (values.unflatten(0, (-1, 2)) for values in vars(self).values())
        middle = _weighted(center, area)
        reach = ((center - middle[:, None]).norm(dim=-1) + radius).amax(1)
        return _Level(normal.sum(1), middle, reach, area.sum(1))


@dataclass(frozen=True)
class _Tree:
    """Levels from the leaves up to a single cluster; cluster k holds 2k and 2k + 1 of the level below."""

    triangles: Tensor  # [leaves,LEAF,3,3], those filled up with have no area
    levels: tuple[_Level, ...]

    @classmethod
    def of(cls, triangles: Tensor) -> "_Tree":
        triangles = triangles[_morton_order(triangles.mean(1))]
        leaves = 1 << max(math.ceil(math.log2(len(triangles) / LEAF)), 0)
        # the last corner, three times: without area, and near the others
        filler = triangles[-1:, -1:].expand(leaves * LEAF - len(triangles), 3, 3)
        grouped = torch.cat([triangles, filler]).view(leaves, LEAF, 3, 3)
        a, b, c = grouped.unbind(2)
        normal = torch.linalg.cross(b - a, c - a) / 2
        area = normal.norm(dim=-1)
        center = _weighted(grouped.mean(2), area)
        radius = (grouped - center[:, None, None]).norm(dim=-1).amax((1, 2))
        levels = [_Level(normal.sum(1), center, radius, area.sum(1))]
        while len(levels[-1].area) > 1:
            levels.append(levels[-1].merged())
        return cls(grouped, tuple(levels))


def _contributions(tree: _Tree, blocks: Tensor, check: Callable[[], None]) -> Iterator[tuple[Tensor, Tensor]]:
    """(block numbers [K], winding numbers [K,BLOCK]) that add up to those of the blocks' points."""
    middle = (blocks.amax(1) + blocks.amin(1)) / 2
    extent = (blocks - middle[:, None]).norm(dim=-1).amax(1)
    block, cluster = torch.arange(len(blocks)), torch.zeros(len(blocks), dtype=torch.int64)
    for depth in range(len(tree.levels) - 1, -1, -1):
        level = tree.levels[depth]
        gap = (middle[block] - level.center[cluster]).norm(dim=-1) - extent[block]
        far = gap > FAR * level.radius[cluster]
        for part in far.nonzero().flatten().split(PAIRS_AT_ONCE // BLOCK):
            check()
            offset = level.center[cluster[part], None] - blocks[block[part]]
            flux = (offset * level.normal[cluster[part], None]).sum(-1)
            yield block[part], flux / (4 * math.pi * offset.norm(dim=-1).pow(3))
        block, cluster = block[~far], cluster[~far]
        if depth:
            block, cluster = block.repeat_interleave(2), (2 * cluster[:, None] + torch.arange(2)).flatten()
    for part in torch.arange(len(block)).split(max(PAIRS_AT_ONCE // (BLOCK * LEAF), 1)):
        check()
        corners = tree.triangles[cluster[part], None] - blocks[block[part], :, None, None]
        yield block[part], solid_angles(corners).sum(-1)


def _weighted(center: Tensor, area: Tensor) -> Tensor:
    """Means of centres [K,n,3] by areas [K,n]; plain ones where there is no area."""
    weight = torch.where(area.sum(1, keepdim=True) > 0, area, torch.ones_like(area))
    return (center * F.normalize(weight, p=1, dim=1)[..., None]).sum(1)


def _padded(rows: Tensor, size: int) -> Tensor:
    """Rows [N,3] in groups [ceil(N / size),size,3], the last one repeated at the end."""
    return torch.cat([rows, rows[-1:].expand(-len(rows) % size, -1)]).view(-1, size, 3)


def _morton_order(points: Tensor) -> Tensor:
    """The order [N] of points along a Z-shaped curve, on which neighbours are near each other (Morton 1966)."""
    low, extent = points.amin(0), (points.amax(0) - points.amin(0)).amax().clamp_min(1e-30)
    cell = ((points - low) / extent * (2**MORTON_BITS - 1)).long()
    key = torch.zeros(len(points), dtype=torch.int64)
    for bit in range(MORTON_BITS):
        for axis in range(3):
            key |= (cell[:, axis] >> bit & 1) << (3 * bit + axis)
    return key.argsort(stable=True)
