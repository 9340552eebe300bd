"""A painter without a model: it keeps the current surface's outline and continues the nearest seen colour over it.

What learned painters are measured against, and what a graph can run on when no model is at hand.
"""

from torch import Tensor

from ..progress import Progress
from ..render.fill import continued
from .outpaint import Glimpse
from .outpaint_mask import UNKNOWN


class PlainPainter:
    """See `outpaint.Painter`. Same answer for every prompt and seed."""

    name = "plain"

    def __init__(self, side: int = 256) -> None:
        self.side = side

    def paint(
        self, glimpse: Glimpse, *, prompt: str = "", seed: int = 0, progress: Progress | None = None
    ) -> tuple[Tensor, Tensor]:
        """Picture [1,3,S,S] on white and alpha [1,1,S,S]; grey where nothing at all was seen from here."""
        seen = glimpse.seen > 0.5
        alpha = (seen | ((glimpse.masks > 0.5) & (glimpse.depth > 0))).float()
        return continued(glimpse.images, seen, UNKNOWN) * alpha + 1 - alpha, alpha
