"""The small dense backbone of the embedded model: convolutions, a few transformer blocks, a pyramid back up.

The same contract as `dpt_hybrid.DPTHybrid`, at about a hundredth of its cost.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import DenseFeatures, Mlp


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)


class ConvBlock(nn.Module):
    """Two normalised convolutions around a skip; the second starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, channels), nn.GroupNorm(8, channels)
        self.conv1, self.conv2 = conv(channels, channels), conv(channels, channels)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class TokenBlock(nn.Module):
    """A pre-norm transformer block over tokens [B,T,C]."""

    def __init__(self, width: int, heads: int, ratio: float = 4.0) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = Mlp(width, ratio)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class Merge(nn.Module):
    """One step up the pyramid: the coarse map, enlarged, plus the finer skip, then a block."""

    def __init__(self, coarse: int, skip: int, channels: int) -> None:
        super().__init__()
        self.coarse, self.skip, self.block = conv(coarse, channels, 1), conv(skip, channels, 1), ConvBlock(channels)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(self.coarse(coarse), skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.block(up + self.skip(skip))


class DenseHead(nn.Module):
    """Fine map [B,C,h,w] -> [B,outputs,2h,2w]."""

    def __init__(self, channels: int, outputs: int, hidden: int = 8) -> None:
        super().__init__()
        self.first, self.last = conv(channels, hidden), conv(hidden, outputs)

    def forward(self, fine: Tensor) -> Tensor:
        x = F.interpolate(F.silu(self.first(fine)), scale_factor=2, mode="bilinear", align_corners=False)
        return self.last(x)


class MiniBackbone(nn.Module):
    """image [B,3,S,S] in 0-1 (S a multiple of 16) -> `DenseFeatures` with fine at S/2, middle at S/4, coarse at S/16.

    Depth is positive and its scale is free, but it waits for the focal length, see `depth_from_relief`: until then
    `DenseFeatures.depth` is the relief. Normals are unit, camera frame.
    """

    fine_channels, middle_channels, coarse_channels = 32, 64, 256
    widths = (32, 80, 160, 256)

    def __init__(self, side: int = 128, blocks: int = 4) -> None:
        super().__init__()
        a, b, c, d = self.widths
        self.stem = nn.Sequential(conv(3, a, 7, 2), nn.SiLU())
        self.stage1 = nn.Sequential(conv(a, b, 3, 2), ConvBlock(b))
        self.stage2 = nn.Sequential(conv(b, c, 3, 2), ConvBlock(c), ConvBlock(c))
        self.stage3 = nn.Sequential(conv(c, d, 3, 2), ConvBlock(d))
        self.position = nn.Parameter(torch.randn(1, d, side // 16, side // 16) * 0.02)
        self.tokens = nn.Sequential(*(TokenBlock(d, 8) for _ in range(blocks)))
        self.up2, self.up1 = Merge(d, c, 128), Merge(128, b, self.middle_channels)
        self.up0 = Merge(self.middle_channels, a, self.fine_channels)
        self.depth_head = DenseHead(self.fine_channels, 1)
        self.normal_head = DenseHead(self.fine_channels, 3)

    def forward(self, image: Tensor) -> DenseFeatures:
        s0 = self.stem(image * 2 - 1)
        s1 = self.stage1(s0)
        s2 = self.stage2(s1)
        s3 = self.stage3(s2)
        s3 = s3 + F.interpolate(self.position, s3.shape[-2:], mode="bilinear", align_corners=False)
        coarse = self.tokens(s3.flatten(2).mT).mT.reshape(s3.shape)
        middle = self.up1(self.up2(coarse, s2), s1)
        fine = self.up0(middle, s0)
        relief = self.depth_head(fine)
        normals = F.normalize(self.normal_head(fine) + fine.new_tensor([0, 0, -0.1])[:, None, None], dim=1)
        return DenseFeatures(relief, fine, coarse, middle, normals)


def depth_from_relief(relief: Tensor, focal: Tensor) -> Tensor:
    """z-depth [B,1,H,W] from the depth head's relief [B,1,H,W] and focal lengths [B] in image widths.

    Relief is in about image widths at the object's distance: what a picture shows of depth hardly depends on the
    focal length, depth over distance does. exp keeps it positive.
    """
    return torch.exp((2 * relief / focal.detach()[:, None, None, None]).clamp(-4, 4))
