"""Bring whatever a user connects into the form that the stages expect, or say in one sentence why not."""

import logging

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_finite
from ..errors import BadInput

log = logging.getLogger("recon3d")

SMALLEST_SIDE = 16  # pixels; below this no network sees anything
ASPECT_TOLERANCE = 0.02
SMALLEST_OBJECT = 1e-4  # share of the picture


def prepare_image(image: Tensor) -> Tensor:
    """Any picture as RGB. image [V,C,H,W] with C = 1 (grey), 3 or 4 (RGBA: laid over white) -> [V,3,H,W] in 0-1.

    Raises `BadInput` for other shapes, no picture at all, NaN, values far outside 0-1, or sides under 16 pixels.
    """
    if not isinstance(image, Tensor) or image.ndim != 4 or image.shape[1] not in (1, 3, 4):
        got = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise BadInput(f"The image is {got}; a tensor [V,C,H,W] with 1, 3 or 4 channels is needed.")
    count, channels, height, width = image.shape
    if not count:
        raise BadInput("The image batch is empty; connect at least one image.")
    if min(height, width) < SMALLEST_SIDE:
        raise BadInput(f"The image is {width}x{height} pixels; at least {SMALLEST_SIDE}x{SMALLEST_SIDE} are needed.")
    image = image.float()
    check_finite("The image", image)
    if image.min() < -0.5 or image.max() > 1.5:
        raise BadInput(f"The image's values reach from {image.min():.3g} to {image.max():.3g}; 0 to 1 is needed.")
    image = image.clamp(0, 1)
    if channels == 4:
        alpha = image[:, 3:]
        image = image[:, :3] * alpha + (1 - alpha)
    return image.expand(-1, 3, -1, -1).contiguous()


def prepare_mask(mask: Tensor, count: int, height: int, width: int) -> Tensor:
    """A user's mask fitted to `count` images of height x width. -> [count,1,H,W] float32 in 0-1, 1 = object.

    mask [H,W], [B,H,W] or [B,1,H,W]; one mask serves all images; another size is scaled if its proportions agree.
    Raises `BadInput` for NaN, a mask that marks nothing or everything, and sizes or counts that do not fit.
    A mask that marks the frame rather than the middle is used as it is, with a warning that it may be inverted.
    """
    mask = fit_mask(mask, count, height, width)
    share = (mask > 0.5).float().mean(dim=(1, 2, 3))
    if (share < SMALLEST_OBJECT).any():
        raise BadInput("The mask is empty; white (1) must mark the object.")
    if (share > 1 - SMALLEST_OBJECT).any():
        raise BadInput("The mask covers the whole picture; white (1) must mark the object alone.")
    if any(looks_inverted(one) for one in mask[:, 0]):
        log.warning(
            "the mask marks the picture's border rather than its middle: is it inverted? White must mark the object"
        )
    return mask


def fit_mask(mask: Tensor, count: int, height: int, width: int, name: str = "mask") -> Tensor:
    """The same for a mask that may mark nothing, such as an occluder's: shape, size and count are all that is asked."""
    mask = _as_planes(mask, name)
    check_finite(f"The {name}", mask)
    mask = mask.clamp(0, 1)
    if len(mask) not in (1, count):
        raise BadInput(f"There are {len(mask)} {name}s for {count} images; give one {name}, or one per image.")
    here = mask.shape[-2:]
    if abs(here[1] / here[0] / (width / height) - 1) > ASPECT_TOLERANCE:
        raise BadInput(
            f"The {name} is {here[1]}x{here[0]} and the image {width}x{height}; give a mask made from this image."
        )
    if tuple(here) != (height, width):
        mask = F.interpolate(mask, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return mask.expand(count, -1, -1, -1).contiguous()


def looks_inverted(mask: Tensor) -> bool:
    """True if most of the border is marked and most of the middle is not. mask [H,W]."""
    marked = (mask > 0.5).float()
    height, width = marked.shape
    border = torch.cat([marked[0], marked[-1], marked[:, 0], marked[:, -1]]).mean()
    middle = marked[height // 4 : height - height // 4, width // 4 : width - width // 4].mean()
    return bool(border > 0.8 and middle < 0.5)


def _as_planes(mask: Tensor, name: str) -> Tensor:
    """[H,W], [B,H,W] or [B,1,H,W] -> [B,1,H,W] float32."""
    if not isinstance(mask, Tensor) or mask.ndim not in (2, 3, 4) or (mask.ndim == 4 and mask.shape[1] != 1):
        got = tuple(mask.shape) if isinstance(mask, Tensor) else type(mask).__name__
        raise BadInput(f"The {name} is {got}; a tensor [B,H,W] is needed.")
    if not mask.numel():
        raise BadInput(f"The {name} holds no pixels; connect a mask made from the image.")
    planes = mask[None] if mask.ndim == 2 else mask
    return (planes if planes.ndim == 4 else planes[:, None]).float()
