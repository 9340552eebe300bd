"""The close look: what the network is shown of a photo once the object's mask is known."""

import torch
from torch import Tensor

from ...networks.zeroshape_w.model import DensePrediction, ZeroShapeW
from ...views.square_crop import OBJECT_SHARE, SquareCrop

HIDDEN_SHARE = 0.62  # the visible part's share of the window where more of the object hides behind an occluder
LEAST_OCCLUDER = 0.02  # an occluder smaller than this share of the mask hides nothing to speak of


def object_crop(mask: Tensor, occluder: Tensor | None = None) -> SquareCrop:
    """The square around the object's mask [1,1,H,W]; wider where an occluder [1,1,H,W] hides a part of it."""
    hidden = occluder is not None and (occluder > 0.5).sum() > LEAST_OCCLUDER * (mask > 0.5).sum()
    return SquareCrop.around(mask[0, 0], HIDDEN_SHARE if hidden else OBJECT_SHARE)


def predict_crop(
    module: ZeroShapeW,
    crop: SquareCrop,
    image: Tensor,  # [1,3,H,W] sRGB
    mask: Tensor,  # [1,1,H,W] 0-1
    occluder: Tensor | None,  # [1,1,H,W] 0-1; None: none is known
    device: torch.device | str,
) -> DensePrediction:
    """Show the network the window, with the masks told."""
    size = module.config.image_size
    look = crop.crop(image, size)
    share = crop.crop_coverage(mask, size)
    if not module.config.occluders:
        look = look * share + 1 - share  # ZeroShape's weights know only objects on white
    covered = torch.zeros_like(share) if occluder is None else crop.crop_coverage(occluder, size)
    masks = (torch.cat([share, covered], 1) > 0.5).float()
    return module.predict_dense(look.to(device), masks=masks.to(device))
