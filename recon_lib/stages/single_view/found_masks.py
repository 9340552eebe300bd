"""Found masks made fit to bound a shape: decided, and without tails to the picture's edge."""

import math

import torch
from torch import Tensor

TAIL = 0.08  # width of a tail, at most, parts of the root of the mask's area
STEEPNESS = 6.0  # of the mask's slope where it passes one half


def decided(masks: Tensor) -> Tensor:
    """Soft masks, 0 or 1 but for a narrow edge: what a network half believes is no half-transparent thing."""
    return ((masks - 0.5) * STEEPNESS + 0.5).clamp(0, 1)


def without_tails(mask: Tensor) -> Tensor:
    """A soft mask [1,H,W] less what is thin and leads to the picture's edge: a cable, an edge of the table.

    An object that a thin tail carries to the edge would count as cut off, and nothing bound it beyond the picture.
    """
    import numpy as np
    from scipy.ndimage import binary_opening, label

    solid = (mask[0] > 0.5).cpu().numpy()
    border = math.floor(TAIL * math.sqrt(solid.sum())) + 1
    reach = np.arange(border) - (border - 1) / 2
    disk = reach[:, None] ** 2 + reach**2 <= border**2 / 4  # wider than any tail
    beyond = np.pad(solid, border, "edge")  # what is wide at the edge goes on beyond it
    wide = np.asarray(binary_opening(beyond, disk), bool)[border:-border, border:-border]
    parts = np.zeros(solid.shape, np.int32)
    label(solid & ~wide, np.ones((3, 3)), parts)
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    tails = np.isin(parts, edge[edge > 0])
    return torch.where(torch.from_numpy(tails).to(mask.device), 0.0, mask)
