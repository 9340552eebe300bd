"""The paper's picture encoder: ResNet-18 (He et al., CVPR 2016) whose first convolution keeps the picture's size."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, Linear

from ...check import check_shape

CHANNELS = (64, 64, 128, 256, 512)
CLASSES, WIDTH = 1000, 128


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, the first strided, with batch normalisation around a skip."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride > 1
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        skip = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + skip)


@dataclass(frozen=True)
class PictureCode:
    """What the encoder makes of B pictures of S x S."""

    whole: Tensor  # [B,128]
    maps: tuple[Tensor, ...]  # [B,C,h,w] at S, S/2, S/4, S/8, S/16


class PictureEncoder(nn.Module):
    """picture [B,3,S,S] in 0-1 -> `PictureCode`. Named as in LIST's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Conv2d(3, CHANNELS[0], 7, 1, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(CHANNELS[0])
        for level in range(1, 5):
            inputs, outputs = CHANNELS[level - 1 : level + 1]
            first = BasicBlock(inputs, outputs, 1 if level == 1 else 2)
            self.add_module(f"layer{level}", nn.Sequential(first, BasicBlock(outputs, outputs, 1)))
        self.fc, self.fc1 = Linear(CHANNELS[-1], CLASSES), Linear(CLASSES, WIDTH)

    def forward(self, picture: Tensor) -> PictureCode:
        check_shape("picture", picture, "B", 3, "S", "S")
        maps = [F.relu(self.bn1(self.conv1(picture)))]
        x = F.max_pool2d(maps[0], 3, 2, 1)
        for level in range(1, 5):
            x = self.get_submodule(f"layer{level}")(x)
            maps.append(x)
        return PictureCode(self.fc1(self.fc(x.mean((2, 3)))), tuple(maps))
