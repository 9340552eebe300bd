"""The hybrid vision transformer (Dosovitskiy et al. 2021): ResNetV2 features as patches, twelve encoder blocks.

Named as in the DPT-Hybrid checkpoints (Ranftl et al. 2021), so those load strictly.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, LayerNorm, Linear

from ..blocks import Mlp
from .resnetv2 import ResNetV2

WIDTH, HEADS, BLOCKS = 768, 12, 12
TRAINED_GRID = 24  # the position embedding was trained on 384 px: 24 x 24 patches
PATCH = 16


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Linear(width, 3 * width)
        self.proj = Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B,T,C] -> [B,T,C]."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class EncoderBlock(nn.Module):
    """Pre-normalised self-attention and perceptron."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = LayerNorm(width, eps=1e-6)
        self.attn = SelfAttention(width, heads)
        self.norm2 = LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """Convolutional backbone and a projection of its last map to tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNetV2()
        self.proj = Conv2d(1024, WIDTH, 1)


class HybridTransformer(nn.Module):
    """Image -> two convolutional maps and two layers of tokens, the four taps that DPT-Hybrid reads."""

    taps = (8, 11)

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + TRAINED_GRID**2, WIDTH))
        self.patch_embed = PatchEmbed()
        self.blocks = nn.ModuleList(EncoderBlock(WIDTH, HEADS) for _ in range(BLOCKS))
        # The classifier of the image-net model: no tap reads it, but published checkpoints carry its weights.
        self.norm = LayerNorm(WIDTH, eps=1e-6).requires_grad_(False)
        self.head = Linear(WIDTH, 1000).requires_grad_(False)

    def positions(self, rows: int, columns: int) -> Tensor:
        """Position embedding [1,1+rows*columns,C], resampled from the trained grid."""
        token, grid = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        grid = grid.mT.unflatten(-1, (TRAINED_GRID, TRAINED_GRID))
        grid = F.interpolate(grid, (rows, columns), mode="bilinear", align_corners=False)
        return torch.cat([token, grid.flatten(2).mT], dim=1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """image [B,3,H,W] in -1..1, H and W multiples of 16 -> [B,256,H/4,W/4], [B,512,H/8,W/8], 2x [B,1+T,768]."""
        first, second, third = self.patch_embed.backbone(image)
        patches = self.patch_embed.proj(third)
        x = torch.cat([self.cls_token.expand(len(image), -1, -1), patches.flatten(2).mT], dim=1)
        x, tapped = x + self.positions(*patches.shape[-2:]), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                tapped.append(x)
        return first, second, *tapped
