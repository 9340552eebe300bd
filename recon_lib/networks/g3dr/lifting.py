"""Features of pixels brought into the planes that stand behind the picture, by the pixels' depth."""

import torch
import torch.nn.functional as F
from torch import Tensor


def lifted(features: Tensor, relief: Tensor, mask: Tensor, axis: int) -> Tensor:
    """Means of features over the pixels of a column or row that lie at the same depth.

    features [B,C,S,S], relief [B,1,S,S] in -1..1, mask [B,1,S,S] 0-1; axis 0: depth against x, 1: against y.
    -> [B,C+1,S,S], down: relief, across: the axis; the last channel is the sum of the mask there, squashed to 0-1.
    """
    if axis == 1:
        features, relief, mask = features.mT, relief.mT, mask.mT
    side = features.shape[-1]
    values = torch.cat([features * mask, mask], 1)
    place = ((relief + 1) * (side / 2) - 0.5).clamp(0, side - 1)
    low = place.detach().floor().clamp_max(side - 2)
    share = place - low
    planes = torch.zeros_like(values)
    for row, weight in ((low, 1 - share), (low + 1, share)):
        planes = planes.scatter_add(2, row.long().expand_as(values), values * weight)
    total = planes[:, -1:]
    return torch.cat([planes[:, :-1] / (total + 0.1), total / (total + 1)], 1)


def filled(values: Tensor, mask: Tensor) -> Tensor:
    """Values [B,C,S,S] carried on beyond the mask [B,1,S,S] 0-1, coarser the farther (pull-push, Gortler et al. 1996).

    S is a power of two times a small number; without any mask the values are 0.
    """
    if values.shape[-1] % 2 or values.shape[-1] <= 2:
        weight = mask.sum((2, 3), keepdim=True)
        mean = (values * mask).sum((2, 3), keepdim=True) / weight.clamp_min(1e-6)
        return values * mask + mean * (1 - mask)
    weight = F.avg_pool2d(mask, 2)
    small = F.avg_pool2d(values * mask, 2) / weight.clamp_min(1e-6)
    coarse = filled(small, (weight * 4).clamp_max(1))
    return values * mask + F.interpolate(coarse, scale_factor=2, mode="nearest") * (1 - mask)
