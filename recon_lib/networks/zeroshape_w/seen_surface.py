"""The visible surface, seen as a map of coordinates, to tokens that a point decoder can attend to.

ZeroShape (Huang et al. 2024, section 3.2): a ResNet-50 on the normalised coordinate map gives one global token and
one token for every 16 x 16 pixels. ZeroShape-W (Huang et al. 2025) concatenates the occluder's mask to the map.
"""

import torch
from torch import Tensor, nn
from torch.nn import Conv2d, Linear

from ...check import check_shape
from ..blocks import ResidualConv
from .resnet import ResNet50


class SeenSurfaceEncoder(nn.Module):
    """Coordinate map [B,3+extra,H,W], 0 off the object -> tokens [B,1+H*W/256,width], the global one first.

    `extra_channels` 1 takes the occluder's mask after the three coordinates. Named as in ZeroShape's checkpoint.
    """

    def __init__(self, width: int = 256, extra_channels: int = 0) -> None:
        super().__init__()
        self.channels = 3 + extra_channels
        self.encoder = ResNet50(self.channels)
        self.encoder.fc = nn.Sequential(ResidualConv(2048), ResidualConv(2048), Linear(2048, width))
        self.depth_feat_proj = nn.Sequential(ResidualConv(1024), ResidualConv(1024), Conv2d(1024, width, 1))

    def forward(self, surface: Tensor) -> Tensor:
        check_shape("surface", surface, "B", self.channels, "H", "W")
        local, deepest = self.encoder(surface)
        overall = self.encoder.fc(deepest.mean(dim=(-2, -1)))
        return torch.cat([overall[:, None], self.depth_feat_proj(local).flatten(2).mT], dim=1)
