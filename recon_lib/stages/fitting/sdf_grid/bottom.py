"""Flat and round bottoms, of which no view shows the underside, told apart by outlines.

The rays through the lowest pixels of each mask's columns graze the object from above. Where it stands on a flat base
they meet the base's rim, where the hull is thin, and many of them do so at one height. A round bottom they touch before
it has ended, half way through a thick part of the hull, and the next ones touch it higher up already.
"""

from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from ....fields.cells import Cells
from ....render.rays import RayBundle
from ....render.stratified import box_ends
from ....views.views import Views

STEPS = 128  # on a ray
LOWEST, LEVEL = 0.5, 2.0  # spacings above the lowest entry: of the lowest rays; within which a base is flat
THICK, BROAD = 0.22, 0.68  # of the width: hull along the lowest rays of a round bottom, at least; level part, at most


@dataclass(frozen=True)
class Bottom:
    """What the lowest rays say of the object's underside, world units.

    The limits were chosen on rings of 3, 6 and 12 cameras 20 degrees above two dozen scans.
    """

    width: float  # of the mask, at the object's distance
    level: float  # part of the width at which rays enter the hull within LEVEL of the lowest
    length: float  # of the lowest rays within the hull

    @property
    def is_round(self) -> bool:
        """Whether the lowest rays run through a thick part of the hull, and few others reach as low."""
        return self.length > THICK * self.width and not self.is_broad

    @property
    def is_broad(self) -> bool:
        """Whether much of the outline is level: a flat base."""
        return self.level > BROAD


def look_below(views: Views, cells: Cells, values: Tensor, up: Tensor) -> Bottom | None:
    """The median over the views of what their lowest rays say; None where no ray meets the hull.

    values [G,G,G] > 0 inside the hull; `up` [3] is at right angles to the cameras' horizontal axes.
    """
    found = [bottom for view in range(len(views)) if (bottom := _bottom(views, view, cells, values, up)) is not None]
    return Bottom(*torch.tensor([astuple(b) for b in found]).median(0).values.tolist()) if found else None


def _bottom(views: Views, view: int, cells: Cells, values: Tensor, up: Tensor) -> Bottom | None:
    rays = lower_outline(views, view, up)
    start, end = box_ends(rays, cells.bounds)
    step = (end - start).clamp_min(0) / STEPS
    t = start[:, None] + step[:, None] * (torch.arange(STEPS) + 0.5)
    points = rays.at(t)
    inside = cells.read(values, points.view(-1, 3)).view(t.shape) > -cells.spacing / 4
    kept = inside.any(1)
    if int(kept.sum()) < 2:
        return None
    points, inside, t, step = points[kept], inside[kept], t[kept], step[kept]
    enters = torch.where(inside, points @ up, float("-inf")).amax(1)
    low = enters < enters.amin() + LOWEST * cells.spacing
    count = inside.sum(1)
    distance = (torch.where(inside, t, 0).sum(1) / count)[low].median()
    pixel = distance / views.cameras.intrinsics[view, 0, 0]
    return Bottom(
        width=float(pixel * len(kept)),
        level=float((enters < enters.amin() + LEVEL * cells.spacing).sum() / len(kept)),
        length=float((count * step)[low].median()),
    )


def lower_outline(views: Views, view: int, up: Tensor) -> RayBundle:
    """The ray through the lowest marked pixel of each column of a view's mask."""
    mask = views.masks[view, 0] > 0.5
    origins, directions = views.cameras[view].rays()
    origins, directions = origins.view(*mask.shape, 3), directions.view(*mask.shape, 3)
    if float(views.cameras.rotation[view, :, 1] @ up) > 0:  # a camera that hangs upside down
        mask, origins, directions = mask.flip(0), origins.flip(0), directions.flip(0)
    columns = mask.any(0).nonzero().flatten()
    rows = len(mask) - 1 - mask.flip(0)[:, columns].byte().argmax(0)
    return RayBundle(origins[rows, columns], directions[rows, columns])
