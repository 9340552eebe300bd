"""The mask heads of ZeroShape-W (Huang et al. 2025, figure 3), for any backbone with a fine feature map."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, Linear

from ...check import check_shape


class PixelHead(nn.Sequential):
    """Map [B,channels,h,w] -> one value for each pixel of the image, [B,1,scale*h,scale*w]. DPT's depth head."""

    def __init__(self, channels: int, hidden: int = 32, scale: int = 2) -> None:
        super().__init__(
            Conv2d(channels, channels // 2, 3, padding=1),
            nn.Upsample(scale_factor=scale, mode="bilinear", align_corners=True),
            Conv2d(channels // 2, hidden, 3, padding=1),
            nn.ReLU(),
            Conv2d(hidden, 1, 1),
        )


class MaskHead(nn.Module):
    """Fine map -> logits of the object's visible mask, led by the category's text embedding where there is one.

    The text turns the map X into (1 + gamma) X + beta, channel by channel; gamma and beta start at 0, so an
    untrained prior changes nothing. `text_width` 0 leaves the prior out.
    """

    def __init__(self, channels: int, text_width: int = 512, hidden: int = 32, scale: int = 2) -> None:
        super().__init__()
        self.channels, self.text_width = channels, text_width
        self.head = PixelHead(channels, hidden, scale)
        self.prior = None
        if text_width:
            self.prior = nn.Sequential(Linear(text_width, channels), nn.GELU(), Linear(channels, 2 * channels))
            nn.init.zeros_(self.prior[-1].weight)
            nn.init.zeros_(self.prior[-1].bias)

    def forward(self, fine: Tensor, text: Tensor | None = None) -> Tensor:
        """fine [B,channels,h,w], text [B,text_width] or None -> logits [B,1,scale*h,scale*w]."""
        check_shape("fine", fine, "B", self.channels, "h", "w")
        if self.prior is not None and text is not None:
            check_shape("text", text, len(fine), self.text_width)
            gamma, beta = self.prior(text)[..., None, None].chunk(2, dim=1)
            fine = (1 + gamma) * fine + beta
        return self.head(fine)


class OccluderHead(nn.Module):
    """Fine map and the object's visible mask -> logits of the mask of what stands in front of the object."""

    def __init__(self, channels: int, hidden: int = 32, scale: int = 2) -> None:
        super().__init__()
        self.channels = channels
        self.head = PixelHead(channels + 1, hidden, scale)

    def forward(self, fine: Tensor, visible: Tensor) -> Tensor:
        """fine [B,channels,h,w], visible [B,1,H,W] soft mask 0-1 -> logits [B,1,scale*h,scale*w]."""
        check_shape("fine", fine, "B", self.channels, "h", "w")
        check_shape("visible", visible, len(fine), 1, "H", "W")
        small = F.interpolate(visible, fine.shape[-2:], mode="bilinear", align_corners=False, antialias=True)
        return self.head(torch.cat([fine, small], dim=1))
