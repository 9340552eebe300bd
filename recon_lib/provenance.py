"""Where a pixel or a vertex comes from: seen in the input, painted by a model, or only inferred."""

from enum import IntEnum

import torch
from torch import Tensor


class Provenance(IntEnum):
    """One uint8 code per pixel or vertex. Lower codes are more trustworthy, NONE carries no surface."""

    NONE = 0
    OBSERVED = 1
    OUTPAINTED = 2
    INFERRED = 3


# black, green, orange, grey: sRGB 0-1, the colours every provenance preview uses
PROVENANCE_COLORS = torch.tensor([[0.0, 0.0, 0.0], [0.20, 0.70, 0.30], [0.95, 0.55, 0.15], [0.60, 0.60, 0.60]])


def provenance_colors(codes: Tensor) -> Tensor:
    """Colour of each code. codes [...] uint8 -> [..., 3] float32 sRGB."""
    return PROVENANCE_COLORS.to(codes.device)[codes.long()]
