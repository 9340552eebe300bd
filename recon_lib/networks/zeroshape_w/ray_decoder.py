"""The embedded model's occupancy decoder: points attend to the visible surface and the occluder and read their pixel.

ZeroShape-W's decoder cross-attends from a point to tokens of the visible surface and the occluder mask (Huang et al.
2025, figure 3). A small model gains much from also reading the image features at the point's pixel and how far the
point lies between the object's first and last surface there (pixel-aligned features: Saito et al., "PIFu", 2019).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import LayerNorm, Linear

from ...check import check_shape
from ..blocks import DenseFeatures
from ..encodings import axis_frequency_encoding
from .mini_backbone import TokenBlock, conv
from .visible_points import Normalization

BANDS = 5  # of the positional encoding of depth
SLAB_DEPTH = 0.5  # of the way from the first to the last surface: assumed solid behind the visible surface


class SurfaceTokens(nn.Module):
    """Normalised visible surface, masks and the backbone's coarse map -> tokens [B,1+T,width], the mean first."""

    def __init__(self, coarse: int, width: int = 96) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            conv(5, 24, 3, 2), nn.SiLU(), conv(24, 64, 3, 2), nn.SiLU(), conv(64, width, 3, 2), nn.SiLU(),
            conv(width, width, 3, 2),
        )  # fmt: skip
        self.coarse = conv(coarse, width, 1)
        self.blocks = nn.Sequential(TokenBlock(width, 4), TokenBlock(width, 4))

    def forward(self, surface: Tensor, mask: Tensor, occluder: Tensor, coarse: Tensor) -> Tensor:
        """surface [B,3,S,S], mask and occluder [B,1,S,S] 0-1, coarse [B,C,S/16,S/16]."""
        x = self.convs(torch.cat([surface, mask, occluder], 1)) + self.coarse(coarse)
        tokens = x.flatten(2).mT
        return self.blocks(torch.cat([tokens.mean(1, keepdim=True), tokens], 1))


class CrossBlock(nn.Module):
    """Points attend to tokens, then a perceptron; keys and values of the tokens are computed once."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2, self.norm_tokens = LayerNorm(width), LayerNorm(width), LayerNorm(width)
        self.query, self.key_value = Linear(width, width), Linear(width, 2 * width)
        self.out = Linear(width, width)
        self.mlp = nn.Sequential(Linear(width, width), nn.SiLU(), Linear(width, width))

    def prepare(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        pair = self.key_value(self.norm_tokens(tokens)).unflatten(-1, (2, self.heads, -1))
        key, value = pair.permute(2, 0, 3, 1, 4)
        return key, value  # [B,heads,T,head]

    def forward(self, x: Tensor, memory: tuple[Tensor, Tensor]) -> Tensor:
        q = self.query(self.norm1(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        x = x + self.out(F.scaled_dot_product_attention(q, *memory).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


@dataclass(frozen=True)
class RayCache:
    """What queries need of one image."""

    memories: tuple[tuple[Tensor, Tensor], ...]  # keys and values of each block
    fine: Tensor  # [B,C1,h,w] image features
    middle: Tensor  # [B,C2,h/2,w/2]
    geometry: Tensor  # [B,5,h,w] as in `RayDecoder.prepare`, the depths times the silhouette
    intrinsics: Tensor  # [B,3,3] in units of the image's sides: pixels / S
    normalization: Normalization


class RayDecoder(nn.Module):
    """Points [B,N,3] in the normalised frame of the visible surface -> occupancy logits [B,N]."""

    def __init__(self, fine: int, middle: int, width: int = 96, blocks: int = 2) -> None:
        super().__init__()
        inputs = fine + middle + 3 + 3 + 3 * (1 + 2 * BANDS)
        self.embed = Linear(inputs, width)
        self.blocks = nn.ModuleList(CrossBlock(width) for _ in range(blocks))
        self.norm = LayerNorm(width)
        self.answer = nn.Sequential(Linear(width, width), nn.SiLU(), Linear(width, 1))

    def prepare(
        self,
        tokens: Tensor,  # [B,T,width]
        dense: DenseFeatures,
        geometry: Tensor,  # [B,5,S,S]: normalised depth of first and last surface, silhouette, object, occluder 0-1
        intrinsics: Tensor,  # [B,3,3] pixels of the S x S image
        normalization: Normalization,
    ) -> RayCache:
        """Everything that does not depend on the points."""
        side = geometry.shape[-1]
        held = torch.cat([geometry[:, :2] * geometry[:, 2:3], geometry[:, 2:]], 1)
        small = F.interpolate(held, dense.fine.shape[-2:], mode="area")
        scale = intrinsics.new_tensor([1 / side, 1 / side, 1.0])[:, None]
        memories = tuple(block.prepare(tokens) for block in self.blocks)
        return RayCache(memories, dense.fine, dense.middle, small, intrinsics * scale, normalization)

    def query(self, points: Tensor, cache: RayCache, level: float | None = None) -> Tensor:
        """points [B,N,3] normalised -> logits [B,N], > 0 inside; above `level` right behind the visible surface."""
        check_shape("points", points, len(cache.fine), "N", 3)
        camera = cache.normalization.to_camera(points)
        image = camera @ cache.intrinsics.mT
        position = (image[..., :2] / image[..., 2:].clamp_min(1e-3)) * 2 - 1  # grid_sample's [-1,1]
        local = [_sample(m, position) for m in (cache.fine, cache.middle)]
        geometry = _sample(cache.geometry, position)
        first, last = (geometry[..., :2] / geometry[..., 2:3].clamp_min(0.1)).unbind(-1)  # mean over what is covered
        depth = torch.stack([points[..., 2], points[..., 2] - first, last - points[..., 2]], -1)
        x = self.embed(torch.cat([*local, points, geometry[..., 2:], axis_frequency_encoding(depth, BANDS)], -1))
        for block, memory in zip(self.blocks, cache.memories, strict=True):
            x = block(x, memory)
        logits = self.answer(self.norm(x))[..., 0]
        if level is None:
            return logits
        return torch.maximum(logits, level + seen_slab(depth[..., 1], depth[..., 2], geometry[..., 3]))


def seen_slab(behind_first: Tensor, before_last: Tensor, mask: Tensor) -> Tensor:
    """Slab behind the visible surface, [B,N], > 0 inside: it closes holes where the decoder is unsure, as on textures
    that training did not have.

    Distances behind the first and before the last surface in normalised units, the visible object's mask 0-1. The
    slopes, 10 a unit and 4 from mask to no mask, decide nothing but where between two nodes a rim is put.
    """
    to_end = SLAB_DEPTH * before_last - (1 - SLAB_DEPTH) * behind_first
    return torch.minimum(10 * torch.minimum(behind_first, to_end), 4 * (mask - 0.5))


def _sample(maps: Tensor, positions: Tensor) -> Tensor:
    """maps [B,C,h,w] at positions [B,N,2] -> [B,N,C], the border's value beyond the border."""
    return F.grid_sample(maps, positions[:, :, None], padding_mode="border", align_corners=False)[..., 0].mT
