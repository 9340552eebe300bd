"""Occupancy of points, given tokens of the visible surface.

ZeroShape (Huang et al. 2024, section 3.3): two transformer blocks in which a point attends to all latent tokens and to
itself, while the latents attend only to one another; then a perceptron with input skips. Because the latents never
see the points, their keys and values are computed once for an object (`prepare`) and serve any number of queries.
Named as in ZeroShape's checkpoint.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import LayerNorm, Linear

from ...check import check_shape
from ..encodings import sincos_grid_embedding
from .point_attention import PointBlock
from .skip_perceptron import SkipPerceptron

POINTS_AT_ONCE = 6144  # on the CPU: more fall out of its caches, fewer leave several cores waiting for each other


@dataclass(frozen=True)
class LatentCache:
    """All that points need to know of the latents: one entry of keys and values for each block."""

    keys: tuple[Tensor, ...]  # [B,heads,T+1,head+8], see `point_attention.extend`
    values: tuple[Tensor, ...]  # the same shape
    shift: Tensor  # [B,C] added to every point's embedding: the category prior, or 0


class ImplicitDecoder(nn.Module):
    """Latents [B,1+tokens,latent_width] once, then points [B,N,3] in the latents' frame -> logits [B,N], > 0 inside.

    `tokens` is the square number of local tokens; the global one comes first. `text_width` > 0 adds a projection of a
    category's text embedding to every point's embedding: what ZeroShape-W's concatenation of the two followed by a
    linear layer computes.
    """

    def __init__(
        self,
        width: int = 256,
        latent_width: int = 256,
        tokens: int = 196,
        heads: int = 8,
        blocks: int = 2,
        depth: int = 8,
        ratio: float = 4.0,
        text_width: int = 0,
    ) -> None:
        super().__init__()
        self.point_proj = nn.ModuleDict({"proj": Linear(3, width)})
        self.latent_proj = Linear(latent_width, width)
        self.pos_embed = nn.Parameter(sincos_grid_embedding(width, math.isqrt(tokens)), requires_grad=False)
        self.blocks_attn = nn.ModuleList(PointBlock(width, heads, ratio) for _ in range(blocks))
        self.norm = LayerNorm(width, eps=1e-6)
        self.impl_mlp = SkipPerceptron(width, depth)
        self.text_proj = Linear(text_width, width, bias=False) if text_width else None
        for module in self.modules():
            if isinstance(module, Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def prepare(self, latents: Tensor, text: Tensor | None = None) -> LatentCache:
        """latents [B,T,latent_width], text [B,text_width] or None (no prior) -> what `query` needs."""
        check_shape("latents", latents, "B", self.pos_embed.shape[1], self.latent_proj.in_features)
        x = self.latent_proj(latents) + self.pos_embed
        keys, values = [], []
        for block in self.blocks_attn:
            x, key, value = block.latents(x)
            keys.append(key)
            values.append(value)
        shift = x.new_zeros(len(x), x.shape[-1])
        if self.text_proj is not None and text is not None:
            check_shape("text", text, len(latents), self.text_proj.in_features)
            shift = self.text_proj(text)
        return LatentCache(tuple(keys), tuple(values), shift)

    def query(self, points: Tensor, cache: LatentCache) -> Tensor:
        """points [B,N,3] -> logits [B,N]."""
        check_shape("points", points, len(cache.shift), "N", 3)
        pieces = points.split(POINTS_AT_ONCE, dim=1) if points.device.type == "cpu" else (points,)
        return torch.cat([self._query_piece(piece, cache) for piece in pieces], dim=1)

    def _query_piece(self, points: Tensor, cache: LatentCache) -> Tensor:
        embedding = self.point_proj["proj"]
        weight, bias = embedding.weight.expand(len(points), -1, -1), embedding.bias + cache.shift
        affine = torch.cat([weight, bias[..., None]], dim=-1)  # [B,C,4]
        homogeneous = F.pad(points, (0, 1), value=1.0)  # [B,N,4]
        x = homogeneous @ affine.mT
        for index, block in enumerate(self.blocks_attn):
            # The first block sees an affine function of three coordinates: no need to multiply by 256 channels.
            projected = block.project_affine(homogeneous, affine) if index == 0 else block.project(x)
            x = block.points(x, projected, cache.keys[index], cache.values[index])
        return self.impl_mlp(torch.cat([points, self.norm(x)], dim=-1))
