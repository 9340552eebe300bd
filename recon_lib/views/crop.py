"""Object crops of views: small square pictures for stages whose cost grows with the number of pixels."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput
from ..provenance import Provenance
from .square_crop import SquareCrop
from .views import Views

OBJECT_SHARE = 0.85  # the object's longer side over the picture's side
VIEW_SIDE_PX = 256


def crop_to_object(views: Views, side: int = VIEW_SIDE_PX, share: float = OBJECT_SHARE) -> Views:
    """Square crop of each view around its mask, at `side` x `side` pixels; the object's longer side spans `share`.

    Poses do not change, only intrinsics. Depth and normals are means over the object's part of each new pixel; a pixel
    belongs to the mask where the object covers more than half of it.
    Raises `BadInput` for an empty mask and for a side or share out of range.
    """
    if not (16 <= side <= 4096 and 0.05 <= share <= 1):
        raise BadInput(
            f"A crop of {side} px with a share of {share} is out of range; "
            f"usual are {VIEW_SIDE_PX} px and {OBJECT_SHARE}."
        )
    return Views.cat([_cropped(views[index], index, side, share) for index in range(len(views))])


def _cropped(view: Views, index: int, side: int, share: float) -> Views:
    if not (view.masks > 0.5).any():
        raise BadInput(f"The mask of view {index} is empty; mark the object in it.")
    crop, on = SquareCrop.around(view.masks[0, 0], share), view.masks > 0.5
    mask = (crop.crop_coverage(view.masks, side) > 0.5).float()
    depth, normals, codes = view.depth, view.normals, view.provenance
    return Views(
        crop.crop(view.images, side).clamp(0, 1),
        replace(view.cameras, intrinsics=crop.crop_intrinsics(view.cameras.intrinsics, side), height=side, width=side),
        mask,
        None if depth is None else _mean_on(crop, depth, (depth > 0) & on, side) * mask,
        None if normals is None else F.normalize(_mean_on(crop, normals, on, side), dim=1) * mask,
        None if codes is None else _codes(crop, codes, mask, side),
    )


def _mean_on(crop: SquareCrop, values: Tensor, on: Tensor, side: int) -> Tensor:
    """Means over the pixels of `on` [1,1,H,W]; 0 where less than half of a new pixel is on it."""
    means, covered = crop.crop_masked(values, on.float(), side)
    return means * (covered > 0.5)


def _codes(crop: SquareCrop, codes: Tensor, mask: Tensor, side: int) -> Tensor:
    """Provenance code that covers most of each new pixel, [1,1,side,side] uint8; NONE off the mask."""
    kinds = [code for code in Provenance if code is not Provenance.NONE]
    coverage = torch.cat([crop.crop_coverage((codes == code).float(), side) for code in kinds], 1)
    majority = torch.tensor([int(code) for code in kinds], dtype=torch.uint8)[coverage.argmax(1, keepdim=True)]
    return torch.where((mask > 0.5) & (coverage.amax(1, keepdim=True) > 0), majority, int(Provenance.NONE)).to(
        torch.uint8
    )
