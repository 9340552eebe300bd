"""The visual hull of views as the fit of a field begins with it."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ....fields.hull import HullField
from ....render.fill import fill_nearest
from ....views.framing import within_picture
from ....views.views import Views

UNIT, MOST = 1.1, 0.9  # radius in which this fraction of the depth must lie to be the world's


@dataclass(frozen=True)
class Silhouettes:
    """The visual hull of views, without what no picture shows: a `Field` without colour and without bounds.

    Unlike a carved hull, a view whose mask does not touch the picture's edge also removes what lies outside its
    picture. A single mask holds no depth, so there the hull also ends
    where the view's own depth begins.
    """

    hull: HullField
    whole: tuple[bool, ...]  # for each view, whether its picture holds the whole object

    @classmethod
    def of(cls, views: Views) -> "Silhouettes":
        """The hull of the masks as they are."""
        hull = replace(HullField.of(views, 0.0, float("inf")), nearest=world_depth(views) if len(views) == 1 else None)
        return cls(hull, tuple(within_picture(views.masks).tolist()))

    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> about the distance to the surface [N], > 0 inside; -1 where it is not seen."""
        value = torch.full((len(points),), float("inf"), device=points.device)
        for view, whole in enumerate(self.whole):
            distance = self.hull.silhouette_distance(view, points)
            value = torch.minimum(value, torch.where(distance.isfinite(), distance, -1.0) if whole else distance)
        return torch.where(value.isfinite(), value, -1.0)


def world_depth(views: Views) -> Tensor | None:
    """The depth of one view, continued beside the object [1,1,H,W]; None where it is of another scale.

    The object lies in the unit sphere when one view is all there is: depth that leads elsewhere is not the world's.
    """
    if views.depth is None:
        return None
    depth = views.depth.float().cpu()
    known = (depth > 0) & (views.masks.cpu() > 0.5)
    in_unit = views.cameras.unproject(depth)[0].norm(dim=-1)[known[0, 0]] < UNIT
    if not len(in_unit) or in_unit.float().mean() < MOST:
        return None
    return fill_nearest(depth[0], known[0, 0])[None]
