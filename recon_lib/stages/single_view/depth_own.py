"""A depth picture of the user's own, from any depth node, in place of the embedded model's depth."""

import torch
from torch import Tensor

from ...errors import BadInput
from ...progress import Progress
from ...weights.registry import LoadedModel
from .depth_external import aligned_depth
from .depth_normal import estimate_depth_normals
from .mask import segment


def own_depth(
    model: LoadedModel,
    images: Tensor,  # [V,3,H,W]
    picture: Tensor,  # [V,3,H,W] or [V,1,H,W]: what a depth node shows
    kind: str,
    masks: Tensor | None,  # [V,1,H,W]; None: the model's own
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Tensor:
    """A depth node's picture as z-depth [V,1,H,W] that fits the model's camera; see `aligned_depth`."""
    if picture.shape[-2:] != images.shape[-2:] or len(picture) != len(images):
        (rows, columns), (height, width) = picture.shape[-2:], images.shape[-2:]
        told = f"The depth picture is {columns}x{rows} and the image {width}x{height}"
        raise BadInput(f"{told}; give the depth of this very image.")
    if masks is None:
        masks = segment(model, images, device, progress).object
    reference = estimate_depth_normals(model, images, masks, device, progress).depth
    return aligned_depth(picture.mean(1, keepdim=True), kind, reference, masks)
