"""Attention in which points see the latents and themselves, and latents see only the latents (ZeroShape, 3.3).

Every point has one key that nobody else has. To keep one attention over shared keys, queries, keys and values get
extra channels: a last shared key is 1 in the first extra channel and 0 elsewhere, where the query carries the point's
score with itself; the last value is 1 in that channel, so the weight that the point gives itself comes out there.
The softmax is the exact one over T+1 entries, and no attention map is kept.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import LayerNorm, Linear

from ..blocks import Mlp

EXTRA = 8  # one channel is needed; eight keep the rows aligned for the fused kernels


class PointAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.width, self.heads, self.head = width, heads, width // heads
        self.qkv = Linear(width, 3 * width)
        self.proj = Linear(width, width)

    def latents(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [B,T,C] -> attended [B,T,C], and the extended keys and values [B,heads,T+1,head+EXTRA] for points."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = self.proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        return attended, extend(key), extend(value)

    def wide_qkv(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of `qkv` with empty extra channels in every query head: [heads*(head+EXTRA)+2C, C]."""
        query, rest = self.qkv.weight.tensor_split([self.width])
        query = F.pad(query.unflatten(0, (self.heads, -1)), (0, 0, 0, EXTRA)).flatten(0, 1)
        bias, rest_bias = self.qkv.bias.tensor_split([self.width])
        bias = F.pad(bias.unflatten(0, (self.heads, -1)), (0, EXTRA)).flatten()
        return torch.cat([query, rest]), torch.cat([bias, rest_bias])

    def points(self, projected: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Points' queries, keys, values [B,N,heads*(head+EXTRA)+2C] from `wide_qkv` -> attended [B,N,C]."""
        wide = self.heads * (self.head + EXTRA)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)) for part in projected.split((wide, self.width, self.width), dim=-1)
        )
        own = (query[..., : self.head] * key).sum(-1, keepdim=True)
        query = torch.addcmul(query, own, values[0, 0, -1])  # the last value is the unit vector of the extra channel
        seen = F.scaled_dot_product_attention(query.transpose(1, 2), keys, values, scale=self.head**-0.5)
        seen, weight, _ = seen.transpose(1, 2).split((self.head, 1, EXTRA - 1), dim=-1)
        return self.proj(torch.addcmul(seen, weight, value).flatten(2))


def extend(x: Tensor) -> Tensor:
    """Keys or values [B,heads,T,D] -> [B,heads,T+1,D+EXTRA]; the last row is the unit vector of channel D."""
    own = F.one_hot(torch.tensor(x.shape[-1]), x.shape[-1] + EXTRA).to(x)
    return torch.cat([F.pad(x, (0, EXTRA)), own.expand(*x.shape[:2], 1, -1)], dim=-2)


class PointBlock(nn.Module):
    """Pre-normalised attention and perceptron, for latents (`latents`) and for points (`project`, then `points`)."""

    def __init__(self, width: int, heads: int, ratio: float = 4.0) -> None:
        super().__init__()
        self.norm1 = LayerNorm(width, eps=1e-6)
        self.attn = PointAttention(width, heads)
        self.norm2 = LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, ratio)

    def latents(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B,T,C] -> the next block's latents, and what points attend to here: keys, values."""
        attended, keys, values = self.attn.latents(self.norm1(x))
        x = x + attended
        return x + self.mlp(self.norm2(x)), keys, values

    def project(self, x: Tensor) -> Tensor:
        """Points' features [B,N,C] -> queries, keys, values for `points`."""
        return F.linear(self.norm1(x), *self.attn.wide_qkv())

    def project_affine(self, points: Tensor, affine: Tensor) -> Tensor:
        """`project(points @ affine.mT)` for homogeneous points [B,N,4] and affine [B,C,4], without the C channels.

        The layer norm of an affine function is again affine but for one division, by a quadratic form's root.
        """
        centred = affine - affine.mean(dim=1, keepdim=True)
        form = centred.mT @ centred / centred.shape[1]  # the channels' variance at p is p form p
        inverse = ((points @ form * points).sum(-1, keepdim=True) + self.norm1.eps).rsqrt()
        weight, bias = self.attn.wide_qkv()
        offset = (weight @ self.norm1.bias + bias).expand(len(affine), 1, -1)
        combined = torch.cat([(weight * self.norm1.weight @ centred).mT, offset], dim=1)  # [B,5,out]
        return F.pad(points * inverse, (0, 1), value=1.0) @ combined

    def points(self, x: Tensor, projected: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        x = x + self.attn.points(projected, keys, values)
        return x + self.mlp(self.norm2(x))
