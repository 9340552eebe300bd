"""Painter without a model: the current surface's outline, filled with the nearest seen colours.

The baseline of learned painters, and the painter of graphs that have no model.
"""

import torch.nn.functional as F
from torch import Tensor

from ...progress import Progress
from ...render.fill import continued
from .mask import UNKNOWN
from .object_mask import remove_small_components
from .outpaint import PainterInput

SIDE_PER_RIM = 32  # the square's side over the width of the seen region's rim, whose colours are not continued


class PlainPainter:
    """See `outpaint.Painter`. Prompt and seed are not used."""

    name = "plain"

    def __init__(self, side: int = 256) -> None:
        self.side = side

    def paint(
        self, inputs: PainterInput, *, prompt: str = "", seed: int = 0, progress: Progress | None = None
    ) -> tuple[Tensor, Tensor]:
        """Picture [1,3,S,S] on white and alpha [1,1,S,S]; the object is grey where nothing at all was seen."""
        object_mask = (inputs.seen > 0.5) | ((inputs.masks > 0.5) & (inputs.depth > 0))
        alpha = object_mask.float()
        return nearest_colors(inputs) * alpha + 1 - alpha, alpha


def nearest_colors(inputs: PainterInput) -> Tensor:
    """Nearest reliably seen colour of every pixel [1,3,S,S]; grey where nothing at all was seen.

    The rim of the seen region, and small components of it, are the outline of an earlier picture, where the object's
    colour is mixed with that of its background. One white pixel there would whiten everything that it is nearest to.
    """
    seen = inputs.seen > 0.5
    radius = max(1, seen.shape[-1] // SIDE_PER_RIM)
    inner = -F.max_pool2d(-seen.float(), 2 * radius + 1, 1, radius) > 0
    for reliable in (remove_small_components(inner), inner, remove_small_components(seen)):
        if reliable.any():
            return continued(inputs.images, reliable, UNKNOWN)
    return continued(inputs.images, seen, UNKNOWN)
