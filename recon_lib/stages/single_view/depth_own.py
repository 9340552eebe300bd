"""A user's own depth: what of it belongs to the object."""

import logging

import torch
from torch import Tensor

from ...errors import BadInput
from .lens import default_lens

log = logging.getLogger("recon3d")
MIN_DEPTH_PIXELS = 16  # of the picture
AGAINST = -0.5  # correlation of the logarithms with a predicted depth's below which a depth is told to be another kind
REACH = 1.5  # sizes of the object: what lies farther from its middle in depth is another thing


def object_depth(depth: Tensor, mask: Tensor, lens: Tensor | None = None) -> Tensor:
    """Depth [1,1,H,W] (any scale, 0 = unknown) on the object, 0 elsewhere.

    mask [1,1,H,W] > 0.5 on the object; where it takes in the background or something in front, the depth lies farther
    from the median than the object is large across. lens [1,3,3]; None: the default one, here a matter of scale alone.
    Raises `BadInput` where nothing is left, and for a depth of another size.
    """
    check_depth_size(depth, mask)
    valid = (mask > 0.5) & (depth > 0)
    if valid.sum() < MIN_DEPTH_PIXELS:
        raise BadInput("The depth map is empty on the object; give z-depth, larger = farther, 0 = unknown.")
    focal = float((default_lens(*mask.shape[-2:]) if lens is None else lens)[0, 0, 0])
    middle = depth[valid].float().median()
    across = float(valid.sum()) ** 0.5 / focal * middle
    valid &= (depth - middle).abs() <= REACH * across
    return torch.where(valid, depth.float(), 0.0)


def check_depth_size(depth: Tensor, mask: Tensor) -> None:
    """Raises `BadInput` for a depth map of another size than the mask of its image."""
    if depth.shape != mask.shape:
        raise BadInput(f"The depth is {tuple(depth.shape)} and the mask {tuple(mask.shape)}; give this image's depth.")


def warn_if_inverse(depth: Tensor, predicted: Tensor) -> None:
    """Say that z-depth [1,1,H,W] falls where a predicted one rises, as inverse depth does. 0 = unknown in both.

    A warning, since on nearly flat objects the prediction may be the one that is wrong.
    """
    both = (depth > 0) & (predicted > 0)
    if both.sum() < MIN_DEPTH_PIXELS:
        return
    pair = torch.stack([depth[both], predicted[both]]).double().log()
    pair = pair - pair.mean(1, keepdim=True)
    size = pair.norm(dim=1)
    if float((pair[0] * pair[1]).sum()) < AGAINST * float(size.prod()):
        log.warning(
            "The depth runs against what the picture shows. If near is bright in it, it is inverse depth: give "
            "z-depth, larger = farther."
        )
