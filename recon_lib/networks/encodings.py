"""Positional encodings of coordinates and grids.

What differs between them, the frequencies and the order of the channels, is fixed by weights that were trained on it.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def frequency_encoding(x: Tensor, bands: int) -> Tensor:
    """NeRF's encoding (Mildenhall et al. 2020, without pi), band by band: x [...,K] -> [...,K(1+2 bands)].

    The channels are x, sin x, cos x, sin 2x, cos 2x, sin 4x, ..., each of them K wide.
    """
    waves = [wave(x * 2.0**i) for i in range(bands) for wave in (torch.sin, torch.cos)]
    return torch.cat([x, *waves], -1)


def axis_frequency_encoding(x: Tensor, bands: int) -> Tensor:
    """NeRF's encoding at pi/2 times powers of two, axis by axis: x [...,K] -> [...,K(1+2 bands)].

    The channels are x, then the sines of all bands of the first axis, of the second, ..., then the cosines alike.
    """
    angles = x[..., None] * (math.pi / 2 * 2.0 ** torch.arange(bands, device=x.device))
    return torch.cat([x, angles.sin().flatten(-2), angles.cos().flatten(-2)], -1)


def sincos_grid_embedding(width: int, side: int) -> Tensor:
    """Fixed sine-cosine position embedding [1,1+side*side,width]: 0 for the global token, then row by row.

    The first half of the channels encodes x, the second y, each as sines then cosines of frequencies 10000^-(i/n).
    """
    frequency = 10000.0 ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    angle = torch.arange(side, dtype=torch.float64)[:, None] * frequency
    line = torch.cat([angle.sin(), angle.cos()], dim=-1)  # [side, width/2]
    grid = torch.cat([line[None].expand(side, -1, -1), line[:, None].expand(-1, side, -1)], dim=-1)
    return F.pad(grid.flatten(0, 1).float(), (0, 0, 1, 0))[None]
