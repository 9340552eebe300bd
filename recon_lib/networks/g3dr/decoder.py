"""Decoder of triplane features: two layers to density and colour. Named as in G3DR's weights."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RGB_MARGIN = 1e-3  # by which colours may leave 0-1, so that black and white are reached


class EqualizedLinear(nn.Module):
    """A linear layer whose weights are divided by sqrt(inputs) where they are used (Karras et al., ICLR 2018)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    @property
    def scaled(self) -> Tensor:
        """The weights as they are used [outputs,inputs]."""
        return self.weight / math.sqrt(self.weight.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.scaled, self.bias)


class TriplaneDecoder(nn.Module):
    """Mean of three planes' features -> density before its softplus, and colour.

    Reading planes and the first layer are both linear, so that layer is applied to the planes beforehand
    (`on_planes`); what is left to do at a point is a softplus and four sums.
    """

    def __init__(self, channels: int = 64, hidden: int = 64) -> None:
        super().__init__()
        first, last = EqualizedLinear(channels, hidden), EqualizedLinear(hidden, 4)
        self.net = nn.Sequential(first, nn.Softplus(), last)

    def on_planes(self, planes: Tensor) -> Tensor:
        """Planes [B,3,C,N,N] through the first layer, without its bias, over three: [B,3,H,N,N]."""
        weight = self.net[0].scaled / 3
        return F.conv2d(planes.flatten(0, 1), weight[:, :, None, None]).unflatten(0, planes.shape[:2])

    def forward(self, read: Tensor) -> Tensor:
        """Sums [...,H] of what is read from `on_planes` -> [...,4]: density before its softplus, red, green, blue.

        Colours are in -0.001 to 1.001.
        """
        raw = self.net[2](F.softplus(read + self.net[0].bias))
        return torch.cat([raw[..., :1], raw[..., 1:].sigmoid() * (1 + 2 * RGB_MARGIN) - RGB_MARGIN], -1)

    def sigma(self, read: Tensor) -> Tensor:
        """The first of them alone [...]."""
        last = self.net[2]
        return F.softplus(read + self.net[0].bias) @ last.scaled[0] + last.bias[0]
