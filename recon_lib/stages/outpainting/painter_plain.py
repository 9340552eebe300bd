"""A painter without a model: it keeps the current surface's outline and continues the nearest seen colour over it.

What learned painters are measured against, and what a graph can run on when no model is at hand.
"""

import torch.nn.functional as F
from torch import Tensor

from ...progress import Progress
from ...render.fill import continued
from .mask import UNKNOWN
from .object_mask import drop_specks
from .outpaint import PainterInput

RIM = 32  # of the square's side: so wide is the rim of what was seen whose colours are not carried on


class PlainPainter:
    """See `outpaint.Painter`. Same answer for every prompt and seed."""

    name = "plain"

    def __init__(self, side: int = 256) -> None:
        self.side = side

    def paint(
        self, inputs: PainterInput, *, prompt: str = "", seed: int = 0, progress: Progress | None = None
    ) -> tuple[Tensor, Tensor]:
        """Picture [1,3,S,S] on white and alpha [1,1,S,S]; grey where nothing at all was seen from here."""
        shown = (inputs.seen > 0.5) | ((inputs.masks > 0.5) & (inputs.depth > 0))
        alpha = shown.float()
        return nearest_colors(inputs) * alpha + 1 - alpha, alpha


def nearest_colors(inputs: PainterInput) -> Tensor:
    """Everywhere the nearest colour that was seen for certain [1,3,S,S]; grey where nothing at all was seen.

    The rim of what was seen, and islands in it, are the outline of an earlier picture, where the object's colour is
    mixed with that of its background. One white pixel there would whiten all that lies behind it.
    """
    seen = inputs.seen > 0.5
    reach = max(1, seen.shape[-1] // RIM)
    inner = -F.max_pool2d(-seen.float(), 2 * reach + 1, 1, reach) > 0
    for certain in (drop_specks(inner), inner, drop_specks(seen)):
        if certain.any():
            return continued(inputs.images, certain, UNKNOWN)
    return continued(inputs.images, seen, UNKNOWN)
