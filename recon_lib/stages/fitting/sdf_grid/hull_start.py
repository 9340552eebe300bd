"""The start of a fit without a field to begin with: the visual hull, less what no picture calls for.

A ring of cameras above the horizon leaves a cone under everything that stands, and few cameras leave much on all sides.
Two kinds of cuts leave the masks filled, but for 1.5 % at most: by the ground that the object stands on, and by its own
mirror images where the masks say that the object is symmetric: each view counts twice then, or four times where there
are two planes, as boxes, bottles and bowls have. Round bottoms have no ground (`bottom`): it would cut them flat. The
cuts are where the fit begins, not limits: pictures may object.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ....cameras.camera import Cameras
from ....fields.cells import Cells
from ....fields.field import Field
from ....memory import default_chunk, in_chunks
from ....meshes.symmetry import Symmetry
from ....progress import unchecked
from ....render.rays import RayBundle
from ....render.stratified import box_ends
from ....views.views import Views
from .bottom import look_below
from .mirror import find_mirror
from .silhouettes import Silhouettes

NODES = 64  # a side of the grid on which the hull is searched, at most: no finer than the fit will be
RAYS = 2048  # of each view's mask, at most
STEPS_A_NODE = 1.5  # on a ray
SPARED = 1e-3  # fraction of the rays that the ground may cut off: masks have stray pixels
LEVEL, UPRIGHT = 0.03, 0.1  # mean squared cosine of cameras' horizontal axes with the vertical: at most; next least
LOWER = 0.3  # spacings of the search: rays enter a hull of few views a little above the ground that they touch
SLACK = 0.3  # spacings of the search by which the mirrored hull is wider


@dataclass(frozen=True)
class HullStart:
    """A hull cut by the ground and its mirror images: a `Field` without colour and without bounds."""

    hull: "Field | Silhouettes | _OnGrid"
    up: Tensor | None = None  # [3] unit, world
    ground: float = 0.0  # height along `up` below which nothing is; -inf under a round bottom
    mirrors: tuple[Symmetry, ...] = ()  # one plane, or two that are not parallel
    slack: float = 0.0  # world units by which a mirrored hull is wider

    @classmethod
    def of(
        cls,
        views: Views,
        hull: Field | Silhouettes,
        bounds: Tensor,
        check: Callable[[], None] = unchecked,
        nodes: int = NODES,
    ) -> "HullStart":
        """The start that `views` leave of their hull within bounds [2,3]. One view, or a hull of nothing: uncut.

        nodes: a side of the grid that the fit ends with.
        """
        up = vertical(views.cameras) if len(views) > 1 else None
        if up is None:
            return cls(hull)
        cells = Cells.within(bounds, min(nodes, NODES))
        coarse = _OnGrid.of(hull, cells, check)
        seen = FilledRays.of(views, cells, coarse.values)
        if not len(seen.points):
            return cls(hull)
        below = look_below(views, cells, coarse.values, up)
        is_round = below is not None and below.is_round
        flat = seen.ground(up) - LOWER * cells.spacing
        start = cls(coarse, up, float("-inf") if is_round else flat, (), SLACK * cells.spacing)
        start = replace(start, mirrors=_find_mirrors(start, coarse, views, seen, check))
        if is_round and start.mirrors:  # the hull of few views is thick below; its mirror images carve it
            carved = _OnGrid.of(start, cells, check)
            below = look_below(views, cells, carved.values, up)
            start = replace(start, ground=flat) if below is not None and below.is_broad else start
        return replace(start, hull=hull)

    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> about the distance to the surface [N], > 0 inside."""
        value = self.hull.inside(points)
        motions = [(mirror, 1) for mirror in self.mirrors]
        if len(motions) == 2:
            motions.append((self.mirrors[1].then(self.mirrors[0]), 2))
        for motion, times in motions:
            value = torch.minimum(value, self.hull.inside(motion.apply(points)) + times * self.slack)
        if self.up is not None:
            value = torch.minimum(value, points @ self.up.to(points) - self.ground)
        return value


@dataclass(frozen=True)
class _OnGrid:
    """What a field says at the nodes of a grid, between which it is read."""

    cells: Cells
    values: Tensor  # [G,G,G] > 0 inside

    @classmethod
    def of(cls, field: "Field | Silhouettes | HullStart", cells: Cells, check: Callable[[], None]) -> "_OnGrid":
        values = in_chunks(lambda p: field.inside(p).float().cpu(), cells.positions(), default_chunk("cpu"), check)
        return cls(cells, values.view((cells.nodes,) * 3))

    def inside(self, points: Tensor) -> Tensor:
        return self.cells.read(self.values, points)


def _find_mirrors(
    start: HullStart, hull: _OnGrid, views: Views, seen: "FilledRays", check: Callable[[], None]
) -> tuple[Symmetry, ...]:
    """The planes in which a start of `hull`, cut by the ground, is its own mirror image: none, one, or two."""
    seen = seen.above(start.up, start.ground)
    first = find_mirror(seen.points, seen.ray, hull.cells, hull.values, start.up, check)
    if first is None:
        return ()
    carved = _OnGrid.of(replace(start, mirrors=(first,)), hull.cells, check)
    seen = FilledRays.of(views, carved.cells, carved.values)
    second = find_mirror(seen.points, seen.ray, carved.cells, carved.values, start.up, check, other=first)
    return (first,) if second is None else (first, second)


def vertical(cameras: Cameras) -> Tensor | None:
    """The direction [3] that cameras held level call up: across all their horizontal axes; None where there is none."""
    across = cameras.rotation[:, :, 0]
    values, vectors = torch.linalg.eigh(across.T @ across / len(across))
    if values[0] > LEVEL or values[1] < UPRIGHT:
        return None
    towards = -(cameras.rotation[:, :, 1] @ vectors[:, 0]).sum()
    return vectors[:, 0] * towards.sign()


@dataclass(frozen=True)
class FilledRays:
    """Points of a hull on rays through masks."""

    points: Tensor  # [N,3] world, inside the hull
    ray: Tensor  # [N] int64, ascending; every ray has a point

    @classmethod
    def of(cls, views: Views, cells: Cells, values: Tensor) -> "FilledRays":
        """Rays through evenly chosen pixels of the masks; values [G,G,G] > 0 inside the hull."""
        origins, directions = views.cameras.rays()
        bundles = []
        for view in range(len(views)):
            marked = (views.masks[view, 0] > 0.5).flatten().nonzero().flatten()
            marked = marked[:: max(1, -(-len(marked) // RAYS))]
            bundles.append((origins[view].view(-1, 3)[marked], directions[view].view(-1, 3)[marked]))
        rays = RayBundle(*(torch.cat(part) for part in zip(*bundles, strict=True)))
        start, end = box_ends(rays, cells.bounds)
        steps = round(STEPS_A_NODE * cells.nodes)
        t = start[:, None] + (end - start).clamp_min(0)[:, None] * ((torch.arange(steps) + 0.5) / steps)
        points = rays.at(t)
        ray, step = (cells.read(values, points.view(-1, 3)).view(t.shape) > 0).nonzero(as_tuple=True)
        return cls(points[ray, step], ray.unique(return_inverse=True)[1])

    def ground(self, up: Tensor) -> float:
        """The greatest height [along `up`] below which the hull can be cut off and still fills the masks."""
        height = self.points @ up
        count = int(self.ray[-1]) + 1
        top = height.new_full((count,), float("-inf")).scatter_reduce(0, self.ray, height, "amax")
        return float(top.sort()[0][int(SPARED * count)])

    def above(self, up: Tensor, ground: float) -> "FilledRays":
        """The points above a height; rays without any are left out."""
        kept = self.points @ up > ground
        return FilledRays(self.points[kept], self.ray[kept].unique(return_inverse=True)[1])
