"""Small building blocks that several networks share."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, Linear


@dataclass(frozen=True)
class DenseFeatures:
    """What a dense backbone sees in an image: a depth map and the maps that the other heads read."""

    depth: Tensor  # [B,1,H,W] relative z-depth, >= 0, its scale is free
    fine: Tensor  # [B,C,H/2,W/2] the last fused map, which the depth head read
    coarse: Tensor  # [B,K,h,w] the deepest map
    middle: Tensor | None = None  # [B,M,H/4,W/4] the map below `fine`, where the decoder reads it
    normals: Tensor | None = None  # [B,3,H,W] unit, camera frame, where the backbone has a head for them
    thickness: Tensor | None = None  # [B,1,H,W] >= 0, relief from the first surface to the last, where there is a head
    amodal: Tensor | None = None  # [B,1,H,W] logits of the whole object's silhouette, hidden parts included


class ResidualConv(nn.Module):
    """Two bias-free convolutions with batch normalisation around a skip; the width stays.

    Takes a map [B,C,H,W], or a vector [B,C] as a map of one pixel. Named as in ZeroShape's checkpoint.
    """

    def __init__(self, channels: int, kernel: int = 1) -> None:
        super().__init__()
        self.linear1 = Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.linear2 = Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        x = features[..., None, None] if features.ndim == 2 else features
        x = F.relu(x + self.bn2(self.linear2(F.relu(self.bn1(self.linear1(x))))))
        return x.reshape(features.shape)


class Mlp(nn.Module):
    """The two-layer perceptron of a transformer block, exact GELU."""

    def __init__(self, width: int, ratio: float = 4.0) -> None:
        super().__init__()
        self.fc1 = Linear(width, int(width * ratio))
        self.fc2 = Linear(int(width * ratio), width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))
