"""Encoder of input views: EfficientNet-Lite0's first stages and a pyramid back up to half the picture's size."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from ...cameras.camera import Cameras
from ..zeroshape_w.efficientnet_lite import CHANNELS, EfficientNetLite0
from ..zeroshape_w.mini_backbone import Merge

STAGES = 5  # of EfficientNet-Lite0: down to 1/16 of the picture
FEATURES = 32  # channels of the finest map
EMBEDDING = CHANNELS[3]  # width of a picture's embedding
SHARED = ("encoder.", "up1.", "up0.")  # parts that ZeroShape-W's backbone has too, by the same names


@dataclass(frozen=True)
class EncodedViews:
    """V posed pictures of an object and what the encoder makes of them."""

    cameras: Cameras  # V of S x S
    images: Tensor  # [V,3,S,S] sRGB 0-1 on white
    masks: Tensor  # [V,1,S,S] 0-1, 1 = object
    features: Tensor  # [V,C,S/2,S/2]
    embeddings: Tensor  # [V,E], one a picture

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice | Tensor) -> "EncodedViews":
        return EncodedViews(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


class ViewEncoder(nn.Module):
    """image [B,3,S,S] sRGB 0-1, mask [B,1,S,S] -> features [B,32,S/2,S/2], embedding [B,112]; S a multiple of 16.

    The picture is shown without its background, as ZeroShape-W's encoder is, whose weights it begins with.
    """

    def __init__(self) -> None:
        super().__init__()
        s2, s4, s8, s16, _ = CHANNELS
        self.encoder = EfficientNetLite0(inputs=5)
        self.encoder.stages = self.encoder.stages[:STAGES]
        self.up2, self.up1, self.up0 = Merge(s16, s8, 96), Merge(96, s4, 48), Merge(48, s2, FEATURES)

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        picture = torch.cat([(image * 2 - 1) * mask, mask, torch.zeros_like(mask)], 1)
        s2, s4, s8, s16 = self.encoder(picture.contiguous(memory_format=torch.channels_last))
        return self.up0(self.up1(self.up2(s16, s8), s4), s2), s16.mean((-2, -1))


def from_zeroshape_w(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """ZeroShape-W mini's weights -> those that a `ViewEncoder` shares with its backbone."""
    own = {key.removeprefix("dpt_depth."): value for key, value in state.items() if key.startswith("dpt_depth.")}
    deeper = tuple(f"encoder.stages.{stage}." for stage in (5, 6))
    return {key: value for key, value in own.items() if key.startswith(SHARED) and not key.startswith(deeper)}
