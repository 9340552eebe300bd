"""Whether pictures hold the whole of what their masks mark."""

import torch
from torch import Tensor


def within_picture(masks: Tensor) -> Tensor:
    """Whether the objects of masks [V,1,H,W] end before the picture's edges, [V] bool."""
    solid = masks[:, 0] > 0.5
    edge = torch.stack([solid[:, 0].any(1), solid[:, -1].any(1), solid[:, :, 0].any(1), solid[:, :, -1].any(1)])
    return ~edge.any(0)
