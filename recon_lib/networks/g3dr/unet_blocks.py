"""Blocks of the paper's U-Net (after Ho et al. 2020) with what is constant in them folded away.

The published blocks standardise their kernels on every call, and scale and shift what they normalise by an embedding of
the time step, which is always 1. Both are constants of trained weights: here they are plain convolutions and plain
group normalisations (`published.fold`).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, GroupNorm

HEADS, HEAD_WIDTH = 4, 32
GROUPS = 8


class Block(nn.Module):
    """3x3 convolution, group normalisation, SiLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj, self.norm = Conv2d(inputs, outputs, 3, padding=1), GroupNorm(GROUPS, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.proj(x)))


class ResidualBlock(nn.Module):
    """Two blocks around a skip, through a 1x1 convolution where the width changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.block1, self.block2 = Block(inputs, outputs), Block(outputs, outputs)
        self.res_conv = Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        return self.block2(self.block1(x)) + (x if self.res_conv is None else self.res_conv(x))


class ChannelNorm(nn.Module):
    """Normalisation over the channels of each pixel, scaled by `g` [1,C,1,1] (Ba et al. 2016, without a shift)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.movedim(1, -1), x.shape[1:2], self.g.flatten()).movedim(-1, 1)


class LinearAttention(nn.Module):
    """x plus attention of linear cost (Shen et al., WACV 2021): keys gather values once, queries read what they did."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = HEADS * HEAD_WIDTH
        self.norm, self.to_qkv = ChannelNorm(channels), Conv2d(channels, 3 * width, 1, bias=False)
        self.to_out = nn.Sequential(Conv2d(width, channels, 1), ChannelNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = _heads(self.to_qkv(self.norm(x)))
        q, k = q.softmax(-2) * HEAD_WIDTH**-0.5, k.softmax(-1)
        gathered = k @ (v / v.shape[-1]).mT  # [B,heads,width,width]
        read = (gathered.mT @ q).reshape(len(x), -1, *x.shape[-2:])
        return x + self.to_out(read)


class Attention(nn.Module):
    """x plus full attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = HEADS * HEAD_WIDTH
        self.norm, self.to_qkv = ChannelNorm(channels), Conv2d(channels, 3 * width, 1, bias=False)
        self.to_out = Conv2d(width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.mT for part in _heads(self.to_qkv(self.norm(x))))
        read = F.scaled_dot_product_attention(q, k, v).mT.reshape(len(x), -1, *x.shape[-2:])
        return x + self.to_out(read)


class Level(nn.Module):
    """Two residual blocks and linear attention, as on every level of the U-Net; skips go in and come out."""

    def __init__(self, inputs: int, outputs: int, skip: int = 0) -> None:
        super().__init__()
        self.block1, self.block2 = ResidualBlock(inputs + skip, outputs), ResidualBlock(outputs + skip, outputs)
        self.attention = LinearAttention(outputs)

    def down(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> both skips, of which the second goes on."""
        first = self.block1(x)
        return first, self.attention(self.block2(first))

    def up(self, x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """x and the skips of the level down -> x."""
        x = self.block1(torch.cat([x, second], 1))
        return self.attention(self.block2(torch.cat([x, first], 1)))


def _heads(qkv: Tensor) -> tuple[Tensor, ...]:
    """[B,3*heads*width,H,W] -> queries, keys, values [B,heads,width,H*W]."""
    return qkv.flatten(2).unflatten(1, (3, HEADS, HEAD_WIDTH)).unbind(1)
