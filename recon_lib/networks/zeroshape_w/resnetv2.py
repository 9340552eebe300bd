"""ResNet with weight standardisation and group normalisation (Kolesnikov et al. 2020, "Big Transfer").

The post-activation variant that feeds the hybrid vision transformer (Dosovitskiy et al. 2021): a 7x7 stem and three
stages of bottlenecks, "same" padding as in TensorFlow. Named as in the DPT-Hybrid checkpoints.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Pad a map [B,C,H,W] so that the output has ceil(size / stride) pixels; an odd pixel goes right and below."""
    height, width = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:])
    return F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2), value=value)


class StandardizedConv(Conv2d):
    """Bias-free convolution whose filters have zero mean and unit variance (Qiao et al. 2019)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        flat = self.weight.flatten(1)[None]  # a batch norm whose channels are the filters
        weight = F.batch_norm(flat, None, None, training=True, eps=1e-8).view_as(self.weight)
        return F.conv2d(pad_same(x, self.kernel_size[0], self.stride[0]), weight, stride=self.stride)


class NormalizedConv(nn.Module):
    """Standardised convolution and group normalisation, without activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = StandardizedConv(inputs, outputs, kernel, stride)
        self.norm = nn.GroupNorm(32, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class Bottleneck(nn.Module):
    """1x1, 3x3 (strided), 1x1 convolutions around a skip; a quarter of the output width inside."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        inner = outputs // 4
        self.downsample = NormalizedConv(inputs, outputs, 1, stride) if inputs != outputs or stride > 1 else None
        self.conv1, self.norm1 = StandardizedConv(inputs, inner, 1), nn.GroupNorm(32, inner)
        self.conv2, self.norm2 = StandardizedConv(inner, inner, 3, stride), nn.GroupNorm(32, inner)
        self.conv3, self.norm3 = StandardizedConv(inner, outputs, 1), nn.GroupNorm(32, outputs)

    def forward(self, x: Tensor) -> Tensor:
        skip = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        return F.relu(self.norm3(self.conv3(x)) + skip)


class Stage(nn.Module):
    """`depth` bottlenecks, the first of which changes width and size."""

    def __init__(self, inputs: int, outputs: int, depth: int, stride: int) -> None:
        super().__init__()
        first = Bottleneck(inputs, outputs, stride)
        self.blocks = nn.Sequential(first, *(Bottleneck(outputs, outputs) for _ in range(depth - 1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class ResNetV2(nn.Module):
    """Stem and stages of 256, 512 and 1024 channels at 1/4, 1/8 and 1/16 of the image's size."""

    def __init__(self, depths: tuple[int, int, int] = (3, 4, 9)) -> None:
        super().__init__()
        self.stem = NormalizedConv(3, 64, 7, 2)
        widths = (64, 256, 512, 1024)
        self.stages = nn.ModuleList(
            Stage(widths[i], widths[i + 1], depth, stride=1 if i == 0 else 2) for i, depth in enumerate(depths)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """image [B,3,H,W] in -1..1 -> the three stages' maps."""
        x = pad_same(F.relu(self.stem(image)), 3, 2, value=float("-inf"))
        x, maps = F.max_pool2d(x, 3, 2), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps
