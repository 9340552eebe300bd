"""The focal length under which a depth map looks like a thing.

After the point cloud module of LeReS (Yin et al. 2021, "Learning to Recover 3D Scene Shape from a Single Image",
section 3.2): depth that is unprojected through a wrong lens is stretched along the optical axis, and a network that
knows shapes sees by how much. Here it sees normals and relief in the picture's plane instead of points.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, GroupNorm, Linear

from ..check import check_shape
from ..parsing import whole_number
from .card_settings import from_card

INPUTS = 5  # normals 3, relief 1, mask 1
RELIEF_GAIN, MOST_RELIEF = 4.0, 4.0  # relief is at most half the picture's width or so
LOG_VARIANCES = -4.0, 3.0
ROUNDS = 2  # of looking: the second one from the focal length that the first one found
MOST_LEVELS, MOST_SIDE, MOST_CHANNELS = 6, 1024, 4096


@dataclass(frozen=True)
class FocalConfig:
    """What a model card must tell to build the network."""

    size: str = "mini"
    side: int = 64  # pixels of the object's crop
    channels: tuple[int, ...] = (32, 64, 96, 128)  # at side / 2, / 4, ...; multiples of `groups`
    groups: int = 8
    hidden: int = 64

    @classmethod
    def of(cls, values: dict) -> "FocalConfig":
        """From a card's JSON. Raises `BadInput` for settings that are unknown or cannot be built."""
        config = from_card(cls, values, "A focal network")
        whole_number(config.side, "side", 16, MOST_SIDE)
        whole_number(config.groups, "groups", 1, MOST_CHANNELS)
        whole_number(config.hidden, "hidden", 1, MOST_CHANNELS)
        whole_number(len(config.channels), "the number of levels", 1, MOST_LEVELS)
        for width in config.channels:
            whole_number(width, "channels", 1, MOST_CHANNELS)
        return config

    def to_dict(self) -> dict:
        """For a card's JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


class FocalNetwork(nn.Module):
    """Crop of a depth map, seen through a focal length -> log of the true one over that, and its uncertainty."""

    def __init__(self, config: FocalConfig = FocalConfig()) -> None:
        super().__init__()
        self.config = config
        width, layers = INPUTS, []
        for level, channels in enumerate(config.channels):
            kernel = 3 if level else 5
            layers += _layer(width, channels, config.groups, kernel, 2) + _layer(
                channels, channels, config.groups, 3, 1
            )
            width = channels
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(Linear(2 * width, config.hidden), nn.SiLU(), Linear(config.hidden, 2))

    def forward(self, depth: Tensor, mask: Tensor, focal: Tensor) -> tuple[Tensor, Tensor]:
        """depth [B,1,S,S] z-depth, any scale; mask [B,1,S,S] 0 or 1; focal [B] pixels of the crop, assumed.

        -> log of the true focal length over the assumed one [B], and the log variance of its error [B].
        """
        x = self.body(depth_features(depth, mask, focal))
        answer = self.head(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        return answer[:, 0], answer[:, 1].clamp(*LOG_VARIANCES)

    @torch.no_grad()
    def find(self, depth: Tensor, mask: Tensor, focal: Tensor) -> Tensor:
        """The focal lengths [B], pixels of the crop, found from those that are assumed."""
        for _ in range(ROUNDS):
            focal = focal * self(depth, mask, focal)[0].exp()
        return focal


def depth_features(depth: Tensor, mask: Tensor, focal: Tensor) -> Tensor:
    """Normals, relief in the picture's plane, and mask [B,5,S,S] of depth [B,1,S,S] through focal lengths [B].

    With p and q the slopes of log depth along the picture's axes, pixels u and v from its middle, a surface's normal is
    (f p, f q, -(1 + u p + v q)) but for its length.
    """
    check_shape("depth", depth, "B", 1, "S", "S")
    check_shape("mask", mask, *depth.shape)
    check_shape("focal", focal, len(depth))
    on, side = mask.to(depth), depth.shape[-1]
    logs = torch.where(on > 0, depth.clamp_min(1e-9).log(), 0.0)
    logs = (logs - logs.sum((2, 3), keepdim=True) / on.sum((2, 3), keepdim=True).clamp_min(1)) * on
    p, known_p = _slope(logs, on, 3)
    q, known_q = _slope(logs, on, 2)
    middle = torch.arange(side, device=depth.device, dtype=depth.dtype) + 0.5 - side / 2
    f = focal.to(depth)[:, None, None, None]
    normals = F.normalize(torch.cat([f * p, f * q, -(1 + middle * p + middle[:, None] * q)], 1), dim=1)
    relief = (RELIEF_GAIN * f / side * logs).clamp(-MOST_RELIEF, MOST_RELIEF)
    return torch.cat([normals * (known_p * known_q * on), relief, on], 1)


def _slope(values: Tensor, on: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Slope [B,1,S,S] along an axis, and where it is known: the smaller difference to a side, since a step is none."""
    forward = torch.roll(values, -1, dim) - values
    known = on * torch.roll(on, -1, dim)
    known.narrow(dim, known.shape[dim] - 1, 1).zero_()
    backward, known_back = torch.roll(forward, 1, dim), torch.roll(known, 1, dim)
    take_back = (known_back > 0) & ((known == 0) | (backward.abs() < forward.abs()))
    has_slope = ((known + known_back) > 0).to(values)
    return torch.where(take_back, backward, forward) * has_slope, has_slope


def _layer(inputs: int, outputs: int, groups: int, kernel: int, stride: int) -> list[nn.Module]:
    return [Conv2d(inputs, outputs, kernel, stride, kernel // 2), GroupNorm(groups, outputs), nn.SiLU()]


def build(config: dict) -> FocalNetwork:
    """The untrained network of a model card."""
    return FocalNetwork(FocalConfig.of(config))
