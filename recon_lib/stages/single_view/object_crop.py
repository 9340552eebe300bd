"""The object's crop: what a network is shown of an image once the object's mask is known."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...networks.contracts import DenseNetwork, DensePrediction, InputSpec
from ...views.square_crop import OBJECT_SHARE, SquareCrop
from .lens import default_lens, through_lens

OCCLUDED_SHARE = 0.62  # the visible part's share of the crop where more of the object hides behind an occluder
MIN_OCCLUDER_SHARE = 0.02  # of the mask's area; a smaller occluder hides nothing to speak of


@dataclass(frozen=True)
class CropPrediction:
    """What a network predicted for a crop."""

    crop: SquareCrop
    prediction: DensePrediction

    def through(self, lens: Tensor, spec: InputSpec) -> "CropPrediction":
        """The same for a photo taken by another lens [1,3,3]."""
        intrinsics = self.crop.crop_intrinsics(lens, spec.size, spec.pixel_offset)
        return replace(self, prediction=through_lens(self.prediction, intrinsics))


def object_crop(mask: Tensor, occluder: Tensor | None = None) -> SquareCrop:
    """The square around the object's mask [1,1,H,W]; wider where an occluder [1,1,H,W] hides a part of it."""
    occluded = occluder is not None and (occluder > 0.5).sum() > MIN_OCCLUDER_SHARE * (mask > 0.5).sum()
    return SquareCrop.around(mask[0, 0], OCCLUDED_SHARE if occluded else OBJECT_SHARE)


@torch.no_grad()
def predict_crop(
    network: DenseNetwork,
    image: Tensor,  # [1,3,H,W] sRGB
    mask: Tensor,  # [1,1,H,W] 0-1
    occluder: Tensor | None,  # [1,1,H,W] 0-1; None: none is known
    device: torch.device | str,
    lens: Tensor | None = None,  # [1,3,3] of the image, pixels; None: the network's own answer, or the default
) -> CropPrediction:
    """Predict the object's crop, with the masks as conditions, for the lens that took the image."""
    spec, crop = network.input_spec, object_crop(mask, occluder)
    pixels, coverage = crop.crop(image, spec.size), crop.crop_coverage(mask, spec.size)
    if not spec.finds_masks:
        pixels = pixels * coverage + 1 - coverage  # ZeroShape's weights know only objects on white
    occluded = torch.zeros_like(coverage) if occluder is None else crop.crop_coverage(occluder, spec.size)
    masks = (torch.cat([coverage, occluded], 1) > 0.5).float()
    prediction = CropPrediction(crop, network.predict_dense(pixels.to(device), masks=masks.to(device)))
    if lens is None and not spec.finds_lens:
        lens = default_lens(*image.shape[-2:])
    return prediction if lens is None else prediction.through(lens, spec)
