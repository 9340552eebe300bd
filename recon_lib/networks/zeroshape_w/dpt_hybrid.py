"""DPT-Hybrid (Ranftl et al. 2021, "Vision Transformers for Dense Prediction"): an image to depth and dense features.

The transformer's tokens are put back on the image plane with the class token's information ("project" readout),
and four maps are fused from coarse to fine. Named as in the published checkpoints.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, Linear

from ...check import check_shape
from ...errors import BadInput
from ..blocks import DenseFeatures
from .vit import PATCH, WIDTH, HybridTransformer

FUSED = 256
STRIDE = 2 * PATCH  # the coarsest map has one pixel for 32 x 32


class Readout(nn.Module):
    """Mix the class token into every patch token: [B,1+T,C] -> [B,T,C]."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Sequential(Linear(2 * WIDTH, WIDTH), nn.GELU())

    def forward(self, tokens: Tensor) -> Tensor:
        patches = tokens[:, 1:]
        return self.project(torch.cat([patches, tokens[:, :1].expand_as(patches)], dim=-1))


class Reassemble(nn.ModuleDict):
    """Tokens [B,1+T,768] -> map [B,768,rows,columns], halved when `halve`. Keyed by the checkpoint's step numbers."""

    def __init__(self, halve: bool) -> None:
        super().__init__({"0": Readout(), "3": Conv2d(WIDTH, WIDTH, 1)})
        if halve:
            self["4"] = Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)

    def forward(self, tokens: Tensor, rows: int) -> Tensor:
        x = self["3"](self["0"](tokens).mT.unflatten(-1, (rows, -1)))
        return self["4"](x) if "4" in self else x


class Encoder(nn.Module):
    """Image -> four maps at 1/4, 1/8, 1/16, 1/32 of its size."""

    def __init__(self) -> None:
        super().__init__()
        self.model = HybridTransformer()
        self.act_postprocess3 = Reassemble(halve=False)
        self.act_postprocess4 = Reassemble(halve=True)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first, second, third, fourth = self.model(image)
        rows = image.shape[-2] // PATCH
        return first, second, self.act_postprocess3(third, rows), self.act_postprocess4(fourth, rows)


class ResidualUnit(nn.Module):
    """Pre-activated 3x3 convolutions around a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Conv2d(FUSED, FUSED, 3, padding=1)
        self.conv2 = Conv2d(FUSED, FUSED, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Fusion(nn.Module):
    """Add a finer map to the fused one and double its size (upsampled before the 1x1 convolution)."""

    def __init__(self) -> None:
        super().__init__()
        self.out_conv = Conv2d(FUSED, FUSED, 1)
        self.resConfUnit1 = ResidualUnit()
        self.resConfUnit2 = ResidualUnit()

    def forward(self, fused: Tensor, finer: Tensor | None = None) -> Tensor:
        if finer is not None:
            fused = fused + self.resConfUnit1(finer)
        return self.out_conv(double(self.resConfUnit2(fused)))


class Decoder(nn.Module):
    """Four maps -> the fine map [B,256,H/2,W/2] and depth [B,1,H,W]."""

    def __init__(self) -> None:
        super().__init__()
        for level, channels in enumerate((256, 512, WIDTH, WIDTH), start=1):
            setattr(self, f"layer{level}_rn", Conv2d(channels, FUSED, 3, padding=1, bias=False))
            setattr(self, f"refinenet{level}", Fusion())
        self.output_conv = nn.Sequential(
            Conv2d(FUSED, FUSED // 2, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            Conv2d(FUSED // 2, 32, 3, padding=1),
            nn.ReLU(),
            Conv2d(32, 1, 1),
        )
        nn.init.constant_(self.output_conv[-1].bias, 0.05)  # depth starts above the clamp's dead zone

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        fine = self.refinenet4(self.layer4_rn(maps[3]))
        fine = self.refinenet3(fine, self.layer3_rn(maps[2]))
        fine = self.refinenet2(fine, self.layer2_rn(maps[1]))
        fine = self.refinenet1(fine, self.layer1_rn(maps[0]))
        return fine, self.output_conv(fine).clamp(0, 1)


class DPTHybrid(nn.Module):
    """Image [B,3,H,W] in 0-1, H and W multiples of 32 -> `DenseFeatures` (fine 256 channels, coarse 768)."""

    fine_channels, coarse_channels = FUSED, WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.pretrained = Encoder()
        self.scratch = Decoder()

    def forward(self, image: Tensor) -> DenseFeatures:
        check_shape("image", image, "B", 3, "H", "W")
        height, width = image.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise BadInput(f"The image is {width}x{height} pixels; resize it so that both are multiples of {STRIDE}.")
        maps = self.pretrained(image * 2 - 1)
        fine, depth = self.scratch(maps)
        return DenseFeatures(depth, fine, maps[3])


def double(x: Tensor) -> Tensor:
    """Bilinear upsampling to twice the size, corners aligned."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
