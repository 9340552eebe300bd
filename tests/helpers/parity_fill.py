"""Weights, inputs and figures by which an implementation is compared with a published one, without its files.

A tensor is drawn from its key alone: a standard normal n, seeded by the CRC-32 of the key (lowest 31 bits), float32, in
C order, becomes 1 + 0.1|n| (running variances), 0.1 n (running means, biases), 1 + 0.1 n (vectors called weight) or
n / sqrt(fan-in) (everything of two or more dimensions).
"""

import math
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor


def filled(key: str, shape: torch.Size) -> Tensor:
    """The float32 tensor that belongs to a key."""
    generator = torch.Generator().manual_seed(zlib.crc32(key.encode()) & 0x7FFFFFFF)
    noise = torch.randn(shape, generator=generator)
    name = key.rpartition(".")[2]
    if name == "running_var":
        return 1 + 0.1 * noise.abs()
    if len(shape) >= 2:
        return noise / math.sqrt(math.prod(shape[1:]))
    return (1 + 0.1 * noise) if name == "weight" else 0.1 * noise


def filled_state(state: dict[str, Tensor], keep: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """`state` (may be on the meta device, but for the keys in `keep`) with every floating tensor filled."""
    result = {}
    for key, value in state.items():
        if key in keep:
            result[key] = value
        elif value.is_floating_point():
            result[key] = filled(key, value.shape)
        else:
            result[key] = torch.zeros(value.shape, dtype=value.dtype)
    return result


def wavy_image(size: int = 224) -> Tensor:
    """[1,3,size,size] in 0-1: half plus half the sine of 2 pi ((c+1) x + 0.7 (c+2) y) + c in channel c."""
    line = torch.linspace(0, 1, size)
    x, y = line[None, :], line[:, None]
    waves = [torch.sin(6.2831853 * ((c + 1) * x + (c + 2) * 0.7 * y) + c) for c in range(3)]
    return torch.stack([0.5 + 0.5 * wave for wave in waves])[None]


def disk(size: int = 224, radius: float = 0.35) -> Tensor:
    """[1,1,size,size]: 1 within `radius` image widths of the centre."""
    line = torch.linspace(-0.5, 0.5, size)
    return ((line[None, :] ** 2 + line[:, None] ** 2) < radius**2).float()[None, None]


@dataclass(frozen=True)
class Digest:
    """Four figures of a tensor of n values; `cosum` is the sum of value times cos(0.37 index)."""

    n: int
    mean: float
    std: float
    absmax: float
    cosum: float

    @classmethod
    def of(cls, values: Tensor) -> "Digest":
        flat = values.detach().double().flatten()
        wave = torch.cos(0.37 * torch.arange(len(flat), dtype=torch.float64))
        return cls(len(flat), flat.mean().item(), flat.std().item(), flat.abs().max().item(), (flat @ wave).item())

    def assert_close(self, published: "Digest", tolerance: float = 1e-4) -> None:
        """Every figure within `tolerance` of the published one, relatively.

        Mean and cosum may cancel, so a tenth of the tolerance is granted on what they would be if they did not:
        the standard deviation, and that times sqrt(n).
        """
        assert self.n == published.n
        spare = {"mean": published.std, "std": 0.0, "absmax": 0.0, "cosum": published.std * math.sqrt(self.n)}
        for name, scale in spare.items():
            found, wanted = getattr(self, name), getattr(published, name)
            allowed = tolerance * (abs(wanted) + 0.1 * scale)
            assert abs(found - wanted) <= allowed, f"{name}: {found:+.8e}, published {wanted:+.8e}"
