"""Perceptual distance on EfficientNet-Lite0's features, for where LPIPS's weights are missing.

The same form as LPIPS (Zhang et al., CVPR 2018, equation 1) with all channels weighted alike; it is not calibrated
against people.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..check import check_shape
from .zeroshape_w.efficientnet_lite import EfficientNetLite0

LEVELS = 4  # maps that count, from half the picture's size down to a sixteenth
SMALLEST = 16  # pixels a side


class EfficientNetDistance(nn.Module):
    """images a, b [V,3,H,W] in 0-1, sides multiples of 16 -> distances [V] in 0-2, 0 = alike."""

    name = "EfficientNet-Lite0 features"

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EfficientNetLite0(inputs=5)
        self.encoder.stages = self.encoder.stages[:5]

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        check_shape("a", a, "V", 3, "H", "W")
        check_shape("b", b, *a.shape)
        total = a.new_zeros(len(a))
        for x, y in zip(self._maps(a), self._maps(b), strict=True):
            difference = F.normalize(x, dim=1) - F.normalize(y, dim=1)
            total = total + difference.square().sum(1).mean((1, 2)) / LEVELS
        return total

    def _maps(self, images: Tensor) -> list[Tensor]:
        blank = torch.zeros_like(images[:, :2])  # the encoder's masks: nothing is known
        return self.encoder(torch.cat([images * 2 - 1, blank], 1))[:LEVELS]
