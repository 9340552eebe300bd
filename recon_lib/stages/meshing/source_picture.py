"""Where the colours of a mesh's texture come from, as a picture."""

import torch
from torch import Tensor

from .painted import GUESSED, NOTHING, OWN

# the views in turn (Okabe & Ito 2008, for all kinds of colour vision), then from the start again
VIEW_COLORS = ((0.0, 0.62, 0.45), (0.90, 0.62, 0.0), (0.34, 0.71, 0.91), (0.80, 0.47, 0.65), (0.94, 0.89, 0.26),
               (0.0, 0.45, 0.70), (0.84, 0.37, 0.0))  # fmt: skip
OTHER_COLORS = {OWN: (0.6, 0.6, 0.6), GUESSED: (0.3, 0.3, 0.3), NOTHING: (0.0, 0.0, 0.0)}


def source_picture(source: Tensor) -> Tensor:
    """Sources [H,W] of texels as a picture [1,3,H,W]: a colour for each view, light grey own, dark grey guessed."""
    views = torch.tensor(VIEW_COLORS)[source.long().clamp_min(0) % len(VIEW_COLORS)]
    for code, color in OTHER_COLORS.items():
        views[source == code] = torch.tensor(color)
    return views.permute(2, 0, 1)[None]
