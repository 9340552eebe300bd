"""How well cameras and masks agree, whatever the pictures show."""

from collections.abc import Callable

from ...errors import BadInput
from ...progress import Progress
from ...views.views import Views
from ..fitting.rays import reduced
from .surface import hull_surface, trace


def agreement(views: Views, check: Callable[[], None], side: int = 48, nodes: int = 32) -> float:
    """How well the hull of the masks fills them: the mean intersection over union, 0-1; 0 for an empty hull.

    side: pixels to which the views are reduced; nodes: a side of the hull's grid.
    """
    check()
    small = reduced(views, side)
    try:
        hull = hull_surface(small, nodes, 0.0, Progress())
    except BadInput:  # no point in common
        return 0.0
    drawn, masks = trace(hull, small.cameras) > 0, small.masks[:, 0] > 0.5
    union = (drawn | masks).sum((1, 2)).clamp_min(1)
    return float(((drawn & masks).sum((1, 2)) / union).mean())
