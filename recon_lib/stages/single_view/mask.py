"""Find the object in a raw photo, and what stands in front of it."""

import logging
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import BadInput
from ...memory import explain_oom
from ...progress import Progress
from ...views.prepare import prepare_image
from ...views.square_crop import SquareCrop
from ...weights.registry import LoadedModel

log = logging.getLogger("recon3d")
BEYOND = -12.0  # logit of what lies outside the window: certainly not the object
EDGE_EPSILON = 1e-3  # guided filter: colour variance below this is no edge
SMALLEST_OBJECT = 16  # network pixels; fewer are a speck, not an object
MOSTLY = 0.5  # share of what the first look found; a closer look that sees less of it has lost the object
SMALLEST_HINT = 4  # network pixels that are worth a closer look


@dataclass(frozen=True)
class Segmentation:
    """Soft masks 0-1 at the picture's size."""

    object: Tensor  # [V,1,H,W] visible pixels of the object
    occluder: Tensor  # [V,1,H,W] what hides the object


@explain_oom("finding the object", "give a smaller picture or compute on the CPU")
def segment(
    model: LoadedModel, images: Tensor, device: torch.device | str = "cpu", progress: Progress | None = None
) -> Segmentation:
    """Masks of the main object of each image [V,3,H,W] and of its occluders, by the ZeroShape-W network.

    The network looks twice, at the whole picture and closer at what it found; the mean of both looks counts. Edges are
    drawn to the picture's own by a guided filter (He et al. 2013). Raises `BadInput` when nothing is found, or when the
    model has no mask heads.
    """
    images, progress = prepare_image(images), progress or Progress()
    if not model.module.config.occluders:
        raise BadInput(f"{model.card.name} cannot find masks; connect a mask or load a ZeroShape-W model.")
    progress.start("finding the object", 2 * len(images))
    module = model.module.to(device)
    found = [_segment_one(module, image[None], device, progress) for image in images]
    return Segmentation(torch.cat([f[0] for f in found]), torch.cat([f[1] for f in found]))


@torch.no_grad()
def _segment_one(
    module: torch.nn.Module, image: Tensor, device: torch.device | str, progress: Progress
) -> tuple[Tensor, Tensor]:
    height, width = image.shape[-2:]
    crop = SquareCrop.whole(height, width)
    first = _predict_logits(module, image, crop, device)
    logits, pixels = crop.paste(first, height, width, BEYOND), _marked(first)
    progress.step()
    if pixels >= SMALLEST_HINT and (logits[:, :1] > 0).any():
        around = SquareCrop.around(logits[0, 0] + 0.5)
        closer = _predict_logits(module, image, around, device)
        second = around.paste(closer, height, width, torch.nan)
        lost = (second[:, :1] > 0).sum() < MOSTLY * (logits[:, :1] > 0).sum()
        if _marked(closer) >= SMALLEST_OBJECT and not lost:  # both looks are believed alike
            crop, pixels = around, _marked(closer)
            logits = torch.where(second.isnan(), logits, (logits + second) / 2)
    if pixels < SMALLEST_OBJECT:
        raise BadInput("No object was found in the picture; connect a mask that marks it white.")
    progress.step()
    return _to_edges(image, logits.sigmoid(), crop.side / module.config.image_size).split(1, 1)


def _marked(logits: Tensor) -> int:
    """Pixels that the network calls object in [1,2,S,S]."""
    return int((logits[:, :1] > 0).sum())


def _predict_logits(module: torch.nn.Module, image: Tensor, crop: SquareCrop, device: torch.device | str) -> Tensor:
    """Logits of object and occluder [1,2,S,S] in a window."""
    prediction = module.predict_dense(crop.crop(image, module.config.image_size).to(device))
    return torch.cat([prediction.mask, prediction.occluder], 1).cpu()


def _to_edges(image: Tensor, masks: Tensor, enlargement: float) -> Tensor:
    """Snap masks [1,C,H,W] that were enlarged by that factor to the edges of their picture.

    The fast variant (He & Sun 2015, "Fast guided filter") fits on a coarser grid: the work grows with the picture's
    area, not with its square, and a picture of 8192 pixels does not stop the program for many minutes.
    """
    if enlargement <= 1.5:
        return masks
    from kornia.filters import guided_blur

    kernel, step = 2 * round(enlargement) + 1, max(int(enlargement / 3), 1)
    height, width = masks.shape[-2:]
    beyond = (0, -width % step, 0, -height % step)  # older versions of kornia take whole steps only
    image, masks = (F.pad(planes, beyond, mode="replicate") for planes in (image, masks))
    return guided_blur(image, masks, kernel, EDGE_EPSILON, subsample=step)[..., :height, :width].clamp(0, 1)
