"""G3DR at the paper's size: an RGB-D U-Net to triplanes. Takes the published weights through `published.fold`.

Frame: the box -1..1 around the object, seen from (-5,0,0) under 18 degrees, +y up. Depth is along the rays, 4 to 6.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d

from ...check import check_shape
from .config import BASE, G3drConfig
from .decoder import TriplaneDecoder
from .unet_blocks import Attention, Level, ResidualBlock

WIDTH = 128
WIDTHS = (128, 128, 256, 512, 1024)
FOV, DISTANCE = 18.0, 5.0  # degrees; half sides of the box
DEPTHS = (4.0, 6.0)  # between which the depth of a picture is spread


class G3drBase(nn.Module):
    """Picture and depth -> triplanes [B,3,64,128,128]; `decoder` reads them."""

    def __init__(self, config: G3drConfig = BASE) -> None:
        super().__init__()
        self.config = config
        pairs = list(zip(WIDTHS, WIDTHS[1:], strict=False))
        self.init_conv = Conv2d(4, WIDTH, 7, padding=3)
        self.position = nn.Parameter(torch.zeros(1, WIDTH, config.image_size, config.image_size))
        self.downs = nn.ModuleList(Level(inputs, inputs) for inputs, _ in pairs)
        self.shrink = nn.ModuleList(Conv2d(4 * i, o, 1) for i, o in pairs[:-1])
        self.shrink.append(Conv2d(*pairs[-1], 3, padding=1))
        middle = WIDTHS[-1]
        self.mid_block1, self.mid_attn = ResidualBlock(middle, middle), Attention(middle)
        self.mid_block2 = ResidualBlock(middle, middle)
        self.ups = nn.ModuleList(Level(outputs, outputs, inputs) for inputs, outputs in reversed(pairs))
        self.grow = nn.ModuleList(Conv2d(o, i, 3, padding=1) for i, o in reversed(pairs))
        self.final_res_block = ResidualBlock(2 * WIDTH, 2 * WIDTH)
        self.final_conv = Conv2d(2 * WIDTH, 3 * config.channels, 1)
        self.decoder = TriplaneDecoder(config.channels, config.hidden)

    def planes(self, image: Tensor, depth: Tensor) -> Tensor:
        """image [B,3,128,128] sRGB 0-1 and depth [B,1,128,128] along the rays, 4 to 6 -> planes [B,3,C,128,128]."""
        size = self.config.image_size
        check_shape("image", image, "B", 3, size, size)
        check_shape("depth", depth, len(image), 1, size, size)
        first = x = self.init_conv(torch.cat([image * 2 - 1, depth], 1)) + self.position
        skips: list[tuple[Tensor, Tensor]] = []
        for i, (level, shrink) in enumerate(zip(self.downs, self.shrink, strict=True)):
            skips.append(level.down(x))
            x = skips[-1][1]
            x = shrink(F.pixel_unshuffle(x, 2) if i < len(self.downs) - 1 else x)
        x = self.mid_block2(self.mid_attn(self.mid_block1(x)))
        for i, (level, grow) in enumerate(zip(self.ups, self.grow, strict=True)):
            x = level.up(x, *skips.pop())
            x = grow(F.interpolate(x, scale_factor=2, mode="nearest") if i < len(self.ups) - 1 else x)
        x = self.final_conv(self.final_res_block(torch.cat([x, first], 1)))
        return x.unflatten(1, (3, self.config.channels))
