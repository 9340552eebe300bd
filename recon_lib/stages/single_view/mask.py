"""Find the object in a raw photo, and what stands in front of it."""

import logging
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import BadInput
from ...memory import explain_oom
from ...networks.contracts import DenseNetwork
from ...progress import Progress
from ...views.prepare import prepare_image
from ...views.square_crop import SquareCrop
from ...weights.registry import LoadedModel

log = logging.getLogger("recon3d")
OUTSIDE_LOGIT = -12.0  # beyond the crop: certainly not the object
EDGE_EPSILON = 1e-3  # guided filter: colour variance below this is no edge
MIN_OBJECT_PIXELS = 16  # of the network; fewer are a speck, not an object
MIN_RECOVERED = 0.5  # share of the first mask; a closer crop whose mask has less of it has lost the object
MIN_HINT_PIXELS = 4  # of the network, that are worth a closer crop


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

    The network is shown two crops, the whole picture and the surroundings of the mask that it predicts there; the mean
    of both logits counts. Edges are drawn to the picture's own by a guided filter (He et al. 2013). Raises `BadInput`
    when nothing is found, or when the model has no mask heads.
    """
    images, progress = prepare_image(images), progress or Progress()
    if not model.module.input_spec.finds_masks:
        raise BadInput(f"{model.card.name} cannot find masks; connect a mask or load a ZeroShape-W model.")
    progress.start("finding the object", 2 * len(images))
    network = model.module.to(device)
    masks = [_segment_one(network, image[None], device, progress) for image in images]
    return Segmentation(*torch.cat(masks).split(1, 1))


def amodal_mask(segmentation: Segmentation) -> Tensor:
    """One mask of three values [V,1,H,W] for Amodal3R (Wu et al. 2025): object 0.5, occluder 0, background 1.

    Its own app draws them as 127, 0 and 255. A pixel that both claim is the object's.
    """
    background = torch.where(segmentation.occluder > 0.5, 0.0, 1.0)
    return torch.where(segmentation.object > 0.5, 0.5, background)


@torch.no_grad()
def _segment_one(network: DenseNetwork, image: Tensor, device: torch.device | str, progress: Progress) -> Tensor:
    """Masks of object and occluder [1,2,H,W]."""
    height, width = image.shape[-2:]
    crop = SquareCrop.whole(height, width)
    first = _predict_logits(network, image, crop, device)
    logits, pixels = crop.paste(first, height, width, OUTSIDE_LOGIT), _object_pixels(first)
    progress.step()
    if pixels >= MIN_HINT_PIXELS and (logits[:, :1] > 0).any():
        around = SquareCrop.around(logits[0, 0] + 0.5)
        closer = _predict_logits(network, image, around, device)
        second = around.paste(closer, height, width, torch.nan)
        lost = (second[:, :1] > 0).sum() < MIN_RECOVERED * (logits[:, :1] > 0).sum()
        if _object_pixels(closer) >= MIN_OBJECT_PIXELS and not lost:  # both crops count alike
            crop, pixels = around, _object_pixels(closer)
            logits = torch.where(second.isnan(), logits, (logits + second) / 2)
    if pixels < MIN_OBJECT_PIXELS:
        raise BadInput("No object was found in the picture; connect a mask that marks it white.")
    progress.step()
    return _to_edges(image, logits.sigmoid(), crop.side / network.input_spec.size)


def _object_pixels(logits: Tensor) -> int:
    """Pixels of the object in logits [1,2,S,S]."""
    return int((logits[:, :1] > 0).sum())


def _predict_logits(network: DenseNetwork, image: Tensor, crop: SquareCrop, device: torch.device | str) -> Tensor:
    """Logits of object and occluder [1,2,S,S] in a crop."""
    prediction = network.predict_dense(crop.crop(image, network.input_spec.size).to(device))
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
