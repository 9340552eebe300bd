"""Provenance of pixels and vertices: observed in the input, painted by a model, or inferred."""

from enum import IntEnum

import torch
from torch import Tensor


class Provenance(IntEnum):
    """One uint8 code per pixel or vertex. Lower codes are more reliable; NONE is no surface."""

    NONE = 0
    OBSERVED = 1
    OUTPAINTED = 2
    INFERRED = 3


# black, green, orange, grey: sRGB 0-1, the colours every provenance preview uses
PROVENANCE_COLORS = torch.tensor([[0.0, 0.0, 0.0], [0.20, 0.70, 0.30], [0.95, 0.55, 0.15], [0.60, 0.60, 0.60]])


def provenance_colors(codes: Tensor) -> Tensor:
    """Colours [..., 3] float32 sRGB of codes [...] uint8."""
    return PROVENANCE_COLORS.to(codes.device)[codes.long()]
