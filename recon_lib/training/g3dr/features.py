"""Perceptual and semantic distances of pictures on EfficientNet-Lite0's features, or LPIPS and CLIP from local folders.

G3DR compares pictures with LPIPS-VGG and CLIP, neither of which comes with this pack. EfficientNet-Lite0's early
stages stand in for the one, its pooled last stage for the other, as a fraction of its own size: CLIP's embeddings lie
as close together without that.
"""

import logging
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import BadInput
from ...networks.zeroshape_w.efficientnet_lite import EfficientNetLite0
from ...weights.perceptual import ENCODER_FILE, ENCODER_PART, load_perceptual
from ...weights.registry import read_state
from ..zeroshape_w.imagenet import imagenet_weights, load_imagenet

log = logging.getLogger("recon3d")
SIDE = 96  # pixels a side that pictures are enlarged to
EARLY, LATE = (0, 1, 2), (3, 4)  # maps of the encoder: half to an eighth of the side, a sixteenth and less
CLIP_SIDE = 224
CLIP_MEAN, CLIP_STD = (0.4815, 0.4578, 0.4082), (0.2686, 0.2613, 0.2758)


class PictureDistances(nn.Module):
    """Distances between pictures a and b [B,3,H,W] sRGB 0-1; gradients reach a alone. Frozen."""

    def __init__(self, lpips: Path | None = None, clip: Path | None = None) -> None:
        super().__init__()
        self.encoder = feature_encoder()
        self.lpips = None if lpips is None else load_perceptual([lpips])
        self.clip = None if clip is None else load_clip(clip)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> "PictureDistances":
        """Frozen networks stay in evaluation mode."""
        return super().train(False)

    def canonical(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Perceptual and semantic distance of pictures of the same view."""
        found, wanted = self._maps(a), self._wanted(b)
        if self.lpips is None:
            perceptual = _difference(found, wanted, EARLY)
        else:
            perceptual = self.lpips(_enlarged(a, SIDE), _enlarged(b, SIDE)).mean()
        return perceptual, self._semantic(a, b, found, wanted)

    def novel(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """The same of pictures from different sides: late maps alone, which know what is shown, not where exactly."""
        found, wanted = self._maps(a), self._wanted(b)
        return _difference(found, wanted, LATE), self._semantic(a, b, found, wanted)

    def _semantic(self, a: Tensor, b: Tensor, found: list[Tensor], wanted: list[Tensor]) -> Tensor:
        if self.clip is None:
            a_pooled, b_pooled = found[-1].mean((2, 3)), wanted[-1].mean((2, 3))
            return (a_pooled - b_pooled).abs().mean() / b_pooled.abs().mean().clamp_min(1e-6)
        with torch.no_grad():
            target = self._embedded(b)
        return (self._embedded(a) - target).abs().mean()

    def _embedded(self, picture: Tensor) -> Tensor:
        mean, std = (picture.new_tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
        assert self.clip is not None
        return self.clip(pixel_values=(_enlarged(picture, CLIP_SIDE) - mean) / std).image_embeds

    def _maps(self, picture: Tensor) -> list[Tensor]:
        return self.encoder(_enlarged(picture, SIDE) * 2 - 1)

    @torch.no_grad()
    def _wanted(self, picture: Tensor) -> list[Tensor]:
        return self._maps(picture)


def feature_encoder() -> EfficientNetLite0:
    """EfficientNet-Lite0 with ImageNet's weights where their package is installed, else with the embedded model's."""
    with torch.random.fork_rng(devices=[]):
        encoder = EfficientNetLite0()
    try:
        load_imagenet(encoder, imagenet_weights())
    except BadInput as reason:
        log.info("%s The features are those of the embedded ZeroShape-W's encoder.", reason)
        part = f"{ENCODER_PART}encoder."
        state = {k.removeprefix(part): v for k, v in read_state(ENCODER_FILE).items() if k.startswith(part)}
        state["stem.0.weight"] = state["stem.0.weight"][:, :3].contiguous()  # the masks' channels stay behind
        encoder.load_state_dict(state)
    return encoder.eval()


def load_clip(folder: Path) -> Any:
    """A CLIP vision model with its projection from a local transformers folder. `BadInput` where there is none."""
    from transformers import CLIPVisionModelWithProjection

    try:
        model = CLIPVisionModelWithProjection.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise BadInput(f"{folder} holds no CLIP vision model with safetensors weights; check the folder.") from error
    if model.config.image_size != CLIP_SIDE:
        raise BadInput(f"The CLIP model looks at {model.config.image_size} pixels; one of {CLIP_SIDE} is needed.")
    return model.eval()


def _enlarged(picture: Tensor, side: int) -> Tensor:
    return F.interpolate(picture, (side, side), mode="bilinear", align_corners=False)


def _difference(found: list[Tensor], wanted: list[Tensor], levels: tuple[int, ...]) -> Tensor:
    """LPIPS's form, all channels alike (Zhang et al., CVPR 2018, equation 1)."""
    terms = [(F.normalize(found[i], dim=1) - F.normalize(wanted[i], dim=1)).square().sum(1).mean() for i in levels]
    return torch.stack(terms).mean()
