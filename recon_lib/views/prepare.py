"""Preparation of users' images and masks for the stages, with checks that say in one sentence what is wrong."""

import logging

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_finite
from ..errors import BadInput

log = logging.getLogger("recon3d")

MIN_SIDE_PX = 16  # of an image; smaller ones show nothing to a network
ASPECT_TOLERANCE = 0.02  # relative difference of aspect ratio between a mask and its image
MOST_BORDER = 0.5  # of the picture's border, that a mask of a whole object does not touch
SMALLEST_OVERLAP = 0.15  # IoU with the model's own mask, whose own with the truth is 0.91 on average, 0.77 in clutter
MIN_MASK_FRACTION = 1e-4  # of the picture, for object and background alike


def prepare_image(image: Tensor) -> Tensor:
    """RGB [V,3,H,W] in 0-1 of any image [V,C,H,W] with C = 1 (grey), 3 or 4 (RGBA: blended with white).

    Raises `BadInput` for other shapes, no picture at all, NaN, values far outside 0-1, or sides under 16 pixels.
    """
    if not isinstance(image, Tensor) or image.ndim != 4 or image.shape[1] not in (1, 3, 4):
        shape = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise BadInput(f"The image is {shape}; a tensor [V,C,H,W] with 1, 3 or 4 channels is needed.")
    count, channels, height, width = image.shape
    if not count:
        raise BadInput("The image batch is empty; connect at least one image.")
    if min(height, width) < MIN_SIDE_PX:
        raise BadInput(f"The image is {width}x{height} pixels; at least {MIN_SIDE_PX}x{MIN_SIDE_PX} are needed.")
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
    """Mask [count,1,H,W] float32 in 0-1, 1 = object, of a user's mask for `count` images of height x width.

    mask [H,W], [B,H,W] or [B,1,H,W]; one mask serves all images; another size is scaled if its aspect ratio agrees.
    Raises `BadInput` for NaN, a mask that marks nothing or everything, and sizes or counts that do not fit.
    A mask that marks the border rather than the middle, or most of the border, is used as it is, with a warning.
    """
    mask = fit_mask(mask, count, height, width)
    fraction = (mask > 0.5).float().mean(dim=(1, 2, 3))
    if (fraction < MIN_MASK_FRACTION).any():
        raise BadInput("The mask is empty; white (1) must mark the object.")
    if (fraction > 1 - MIN_MASK_FRACTION).any():
        raise BadInput("The mask covers the whole picture; white (1) must mark the object alone.")
    if any(looks_inverted(one) for one in mask[:, 0]):
        log.warning(
            "the mask marks the picture's border rather than its middle: is it inverted? White must mark the object"
        )
    elif any(marked_border(one) > MOST_BORDER for one in mask[:, 0]):
        log.warning(
            "the mask touches most of the picture's border: white must mark the object alone, and all of the object "
            "should be in the picture"
        )
    return mask


def check_overlap(mask: Tensor, other: Tensor, finder: str) -> None:
    """Warn where masks [V,1,H,W] of a user hardly overlap those that a model named `finder` sees in the pictures."""
    mine, theirs = mask > 0.5, other > 0.5
    union = (mine | theirs).sum((1, 2, 3)).clamp(min=1)
    overlap = ((mine & theirs).sum((1, 2, 3)) / union).min()
    if overlap < SMALLEST_OVERLAP:
        log.warning(
            "the mask and what %s takes for the object hardly overlap (%.0f %%): white must mark the object. If the "
            "mask is Load Image's, set meaning to white is the background", finder, 100 * overlap,
        )  # fmt: skip


def fit_mask(mask: Tensor, count: int, height: int, width: int, name: str = "mask") -> Tensor:
    """The same for a mask that may be empty, such as an occluder's: only shape, size and count are checked."""
    mask = _as_planes(mask, name)
    check_finite(f"The {name}", mask)
    mask = mask.clamp(0, 1)
    if len(mask) not in (1, count):
        raise BadInput(f"There are {len(mask)} {name}s for {count} images; give one {name}, or one per image.")
    size = mask.shape[-2:]
    if not same_proportions(tuple(size), (height, width)):
        raise BadInput(
            f"The {name} is {size[1]}x{size[0]} and the image {width}x{height}; give a mask made from this image."
        )
    if tuple(size) != (height, width):
        mask = F.interpolate(mask, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return mask.expand(count, -1, -1, -1).contiguous()


def same_proportions(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether pictures of two sizes (height, width) can be the same one scaled."""
    return abs(size[1] / size[0] / (other[1] / other[0]) - 1) <= ASPECT_TOLERANCE


def looks_inverted(mask: Tensor) -> bool:
    """True if most of the border and less than half of the middle of a mask [H,W] are marked."""
    marked = (mask > 0.5).float()
    height, width = marked.shape
    middle = marked[height // 4 : height - height // 4, width // 4 : width - width // 4].mean()
    return bool(marked_border(mask) > 0.8 and middle < 0.5)


def marked_border(mask: Tensor) -> float:
    """Which part of the border of a mask [H,W] is marked, 0-1."""
    marked = (mask > 0.5).float()
    return float(torch.cat([marked[0], marked[-1], marked[:, 0], marked[:, -1]]).mean())


def _as_planes(mask: Tensor, name: str) -> Tensor:
    """[H,W], [B,H,W] or [B,1,H,W] -> [B,1,H,W] float32."""
    if not isinstance(mask, Tensor) or mask.ndim not in (2, 3, 4) or (mask.ndim == 4 and mask.shape[1] != 1):
        shape = tuple(mask.shape) if isinstance(mask, Tensor) else type(mask).__name__
        raise BadInput(f"The {name} is {shape}; a tensor [B,H,W] is needed.")
    if not mask.numel():
        raise BadInput(f"The {name} holds no pixels; connect a mask made from the image.")
    planes = mask[None] if mask.ndim == 2 else mask
    return (planes if planes.ndim == 4 else planes[:, None]).float()
