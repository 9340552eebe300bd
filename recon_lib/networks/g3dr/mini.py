"""G3DR's embedded size: ZeroShape-W's small backbone, and planes that begin as the surface that it sees.

The untrained network already answers a solid: from the given depth as far back as the backbone estimates the object to
be thick, within its mask, in the picture's colours. Training starts from there.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d

from ...check import check_shape
from ..contracts import InputSpec
from ..zeroshape_w.mini_backbone import ConvNorm, MiniBackbone
from .config import MINI, G3drConfig
from .decoder import TriplaneDecoder
from .lifting import filled, lifted

WIDTH, LIFTED = 48, 16
THICKNESS_UNIT = 4.0  # of the box's third coordinate, a unit of the backbone's relief
KNOWN = 9  # channels of `_known`: relief, back, mask, red, green, blue, normal
RELIEF, BACK, MASK = 0, 1, 2
START_SLOPE, START_OPAQUE = 60.0, 1.75  # of the solid that the network starts with


class SidePlane(nn.Module):
    """Lifted front and back surfaces and the picture's columns -> a plane of depth against x or y."""

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.reduce = Conv2d(features, LIFTED, 1)
        self.layers = nn.Sequential(ConvNorm(3 * LIFTED + 3, WIDTH), ConvNorm(WIDTH, WIDTH), Conv2d(WIDTH, channels, 1))
        self.ramp = nn.Parameter(torch.zeros(channels))  # of depth: what a surface's own depth is compared with

    def forward(self, features: Tensor, known: Tensor, axis: int) -> Tensor:
        """features [B,F,S/4,S/4], `_known` [B,9,S/4,S/4] -> [B,C,S/2,S/2], down: depth, across: the axis."""
        reduced, mask = self.reduce(features), known[:, MASK : MASK + 1]
        surfaces = [lifted(reduced, known[:, i : i + 1], mask, axis) for i in (RELIEF, BACK)]
        columns = (reduced * mask if axis == 0 else (reduced * mask).mT).mean(2, keepdim=True)
        side = reduced.shape[-1]
        depth = _centres(side, reduced)[:, None].expand(len(reduced), 1, side, side)
        x = torch.cat([*surfaces, columns.expand_as(reduced), depth], 1)
        plane = F.interpolate(self.layers(x), scale_factor=2, mode="bilinear", align_corners=False)
        return plane + self.ramp[:, None, None] * _centres(2 * side, reduced)[:, None]


class G3drMini(nn.Module):
    """Picture, mask and depth -> triplanes [B,3,C,S/2,S/2] in the camera's frame; `decoder` reads them."""

    def __init__(self, config: G3drConfig = MINI) -> None:
        super().__init__()
        self.config = config
        fine, middle = MiniBackbone.fine_channels, MiniBackbone.middle_channels
        self.dpt_depth = MiniBackbone()  # named as in ZeroShape-W
        self.front = nn.Sequential(ConvNorm(fine + KNOWN, WIDTH), Conv2d(WIDTH, config.channels, 1))
        self.skip = Conv2d(KNOWN, config.channels, 1)
        self.sides = nn.ModuleList(SidePlane(middle + KNOWN, config.channels) for _ in range(2))
        self.decoder = TriplaneDecoder(config.channels, config.hidden)
        self._start_as_a_solid()

    @property
    def input_spec(self) -> InputSpec:
        return InputSpec(self.config.image_size, finds_masks=False, finds_lens=False)

    def planes(self, image: Tensor, mask: Tensor, relief: Tensor) -> Tensor:
        """image [B,3,S,S] sRGB 0-1, mask [B,1,S,S] 0-1, relief [B,1,S,S] of `CameraBox.relief`, S a multiple of 32."""
        check_shape("image", image, "B", 3, "S", "S")
        check_shape("mask", mask, len(image), 1, *image.shape[-2:])
        check_shape("relief", relief, *mask.shape)
        dense = self.dpt_depth(image, torch.cat([mask, torch.zeros_like(mask)], 1))
        back = (relief + THICKNESS_UNIT * dense.thickness).clamp(-1, 1)
        known = _known(torch.cat([relief, back, image * 2 - 1, dense.normals], 1), mask)
        picture = self.skip(known) + self.front(torch.cat([dense.fine, known], 1))
        quarter = F.avg_pool2d(known, 2)
        features = torch.cat([dense.middle, quarter], 1)
        sides = []
        for side, pair in zip(self.sides, self.config.axes[1:], strict=True):
            axis = pair[0] if pair[1] == 2 else pair[1]
            plane = side(features, quarter, axis)
            sides.append(plane if pair[1] == 2 else plane.mT)
        return torch.stack([picture, *sides], 1)

    @torch.no_grad()
    def _start_as_a_solid(self) -> None:
        """Start with the density of what lies behind the relief, before the back, and within the mask.

        Planes are averaged and read at one to three resolutions, which the start takes into account. Three hidden units
        hold how far a point is outside of each of these; three more hold the colours.
        """
        units, levels = 6, self.config.levels
        for layer in (self.front[-1], *(side.layers[-1] for side in self.sides)):
            assert isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None
            nn.init.zeros_(layer.bias)
            layer.weight.mul_(0.1)
        for parameter in (self.skip.weight, self.skip.bias):
            parameter[:units] = 0
        scale = 3 / levels
        for unit, source in enumerate((RELIEF, BACK, MASK, 3, 4, 5)):
            self.skip.weight[unit, source, 0, 0] = scale
        for side in self.sides:
            side.ramp[:2] = -scale / 2
        first, last = self.decoder.net[0], self.decoder.net[2]
        first.weight[:units], last.weight[:, :units] = 0, 0
        rows, columns = math.sqrt(first.weight.shape[1]), math.sqrt(last.weight.shape[1])
        for unit, (factor, offset) in enumerate(((START_SLOPE, 0.0), (-START_SLOPE, 0.0), (-20.0, 10.0))):
            first.weight[unit, unit], first.bias[unit] = factor * rows, offset
        last.weight *= 0.1
        last.weight[0, :3], last.bias[0] = -columns, START_OPAQUE
        for unit in range(3, units):
            first.weight[unit, unit], first.bias[unit] = 2.0 * rows, 3.0
            last.weight[unit - 2, unit], last.bias[unit - 2] = 1.5 * columns, -4.5


def _known(values: Tensor, mask: Tensor) -> Tensor:
    """Relief, back, colours and normals [B,8,S,S] and the mask -> [B,9,S/2,S/2], carried on beyond the mask."""
    half = F.avg_pool2d(mask, 2)
    means = F.avg_pool2d(values * mask, 2) / half.clamp_min(1e-6)
    spread = filled(means, (half > 0).to(half))
    return torch.cat([spread[:, :2], half, spread[:, 2:]], 1)


def _centres(side: int, like: Tensor) -> Tensor:
    """Centres [side] of texels, -1..1."""
    return (torch.arange(side, device=like.device, dtype=like.dtype) + 0.5) * (2 / side) - 1
