"""The small dense backbone of the embedded model: EfficientNet-Lite0, two transformer blocks, a pyramid back up.

The same contract as `dpt_hybrid.DPTHybrid`, at about a thousandth of its cost; like it, it starts from ImageNet.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, LayerNorm, Linear

from ..blocks import DenseFeatures, Mlp
from .efficientnet_lite import CHANNELS, EfficientNetLite0


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> Conv2d:
    return Conv2d(inputs, outputs, kernel, stride, kernel // 2)


class ConvNorm(nn.Sequential):
    """Bias-free 3x3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        convolution = Conv2d(inputs, outputs, 3, padding=1, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class TokenBlock(nn.Module):
    """A pre-norm transformer block over tokens [B,T,C]."""

    def __init__(self, width: int, heads: int, ratio: float = 4.0) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = LayerNorm(width), LayerNorm(width)
        self.qkv, self.out = Linear(width, 3 * width), Linear(width, width)
        self.mlp = Mlp(width, ratio)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class Merge(nn.Module):
    """One step up the pyramid: the coarse map, enlarged, beside the finer skip, then a convolution."""

    def __init__(self, coarse: int, skip: int, channels: int) -> None:
        super().__init__()
        self.conv = ConvNorm(coarse + skip, channels)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        return self.conv(torch.cat([F.interpolate(coarse, skip.shape[-2:], mode="nearest"), skip], 1))


class DenseHead(nn.Module):
    """Fine map [B,C,h,w] -> [B,outputs,2h,2w]."""

    def __init__(self, channels: int, outputs: int, hidden: int = 8) -> None:
        super().__init__()
        self.first, self.last = conv(channels, hidden), conv(hidden, outputs)

    def forward(self, fine: Tensor) -> Tensor:
        x = F.interpolate(F.relu(self.first(fine)), scale_factor=2, mode="bilinear", align_corners=False)
        return self.last(x)


class MiniBackbone(nn.Module):
    """image [B,3,S,S] in 0-1 (S a multiple of 32) -> `DenseFeatures` with fine at S/2, middle at S/4, coarse at S/16.

    Masks of object and occluder [B,2,S,S], where they are known, take the surroundings out of the picture: what is
    left to learn is the shape. Zeros, the default, mean that nothing is known.

    Depth is positive and its scale is free, but it waits for the focal length, see `depth_from_relief`: until then
    `DenseFeatures.depth` is the relief. Normals are unit, camera frame.
    """

    fine_channels, middle_channels, coarse_channels = 32, 48, 160

    def __init__(self, side: int = 128, blocks: int = 2) -> None:
        super().__init__()
        s2, s4, s8, s16, s32 = CHANNELS  # of the maps at S/2, S/4, ...
        width = self.coarse_channels
        self.encoder = EfficientNetLite0(inputs=5)
        self.up3 = Merge(s32, s16, width)
        self.position = nn.Parameter(torch.randn(1, width, side // 16, side // 16) * 0.02)
        self.tokens = nn.Sequential(*(TokenBlock(width, 5, 2.0) for _ in range(blocks)))
        self.up2, self.up1 = Merge(width, s8, 96), Merge(96, s4, self.middle_channels)
        self.up0 = Merge(self.middle_channels, s2, self.fine_channels)
        self.shape_head = DenseHead(self.fine_channels, 6, hidden=16)  # relief, thickness, silhouette, normals
        self.slope = Linear(width, 2)  # of the whole object's relief: how it leans shows in the whole, not locally
        nn.init.zeros_(self.slope.weight)
        nn.init.zeros_(self.slope.bias)

    def forward(self, image: Tensor, masks: Tensor | None = None) -> DenseFeatures:
        s2, s4, s8, s16, s32 = self.encoder(self._picture(image, masks))
        x = self.up3(s32, s16)
        x = x + F.interpolate(self.position, x.shape[-2:], mode="bilinear", align_corners=False)
        coarse = self.tokens(x.flatten(2).mT).mT.reshape(x.shape)
        middle = self.up1(self.up2(coarse, s8), s4)
        fine = self.up0(middle, s2)
        relief, thickness, amodal, normals = self.shape_head(fine).split((1, 1, 1, 3), dim=1)
        relief = relief + ramp(self.slope(coarse.mean((-2, -1))), relief.shape[-1])
        normals = F.normalize(normals + fine.new_tensor([0, 0, -0.1])[:, None, None], dim=1)
        return DenseFeatures(relief, fine, coarse, middle, normals, F.softplus(thickness - 1), amodal)

    @staticmethod
    def _picture(image: Tensor, masks: Tensor | None) -> Tensor:
        image = image * 2 - 1
        if masks is None:
            return torch.cat([image, torch.zeros_like(image[:, :2])], 1)
        known = masks[:, :1].amax((2, 3), keepdim=True) > 0
        return torch.cat([torch.where(known, image * masks[:, :1], image), masks], 1)


def ramp(slope: Tensor, side: int) -> Tensor:
    """Planes [B,1,side,side], 0 in the middle, that rise by the slopes [B,2] across the picture and down it."""
    across = (torch.arange(side, device=slope.device, dtype=slope.dtype) + 0.5) / side - 0.5
    x, y = slope[:, :, None, None].unbind(1)
    return (x * across + y * across[:, None])[:, None]


def depth_from_relief(relief: Tensor, focal: Tensor) -> Tensor:
    """z-depth [B,1,H,W] from the depth head's relief [B,1,H,W] and focal lengths [B] in image widths.

    Relief is in about image widths at the object's distance: what a picture shows of depth hardly depends on the
    focal length, depth over distance does. exp keeps it positive.
    """
    return torch.exp((2 * relief / focal.detach()[:, None, None, None]).clamp(-4, 4))
