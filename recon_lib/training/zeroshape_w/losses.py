"""Losses of ZeroShape and ZeroShape-W, weighted for the small model.

Masks and occupancy: binary cross-entropy, plus Dice for masks. Depth: L1 between the normalised visible surfaces,
as in ZeroShape's second stage, which trains depth and camera together; the camera also has a term of its own.
"""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...networks.blocks import DenseFeatures
from ...networks.contracts import DensePrediction
from ...networks.zeroshape_w.model import ZeroShapeW
from ...networks.zeroshape_w.visible_points import normalize_visible, unproject
from ..run import Batch
from .dataset import MIN_VISIBLE_PX


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms, chosen so that no term dominates the gradients in the shared layers."""

    occupancy: float = 4.0
    mask: float = 1.0
    occluder: float = 0.6
    relief: float = 2.0
    surface: float = 0.2
    thickness: float = 0.6
    amodal: float = 0.4
    normals: float = 1.5
    camera: float = 0.1


def zeroshape_w_losses(model: ZeroShapeW, batch: Batch, true_depth: bool = False) -> tuple[dict[str, Tensor], Tensor]:
    """Loss terms by name, and the occupancy logits [B,Q]. Occupancy is queried in the true frame.

    true_depth: one picture in four has it as input, so that the decoder learns to trust a user's own, sharp depth.

    If some pictures have input masks (`input_masks` in the batch), occupancy is queried for those only: B counts them.
    """
    mask = batch["mask"]
    prediction = model.predict_dense(batch["image"], masks=batch["input_masks"])
    true_points = unproject(batch["depth"], batch["intrinsics"], model.config.pixel_offset)
    true_surface, _ = normalize_visible(true_points, mask, robust=True)
    rows = batch["input_masks"].amax((1, 2, 3)) > 0
    rows = rows if rows.any() else torch.ones_like(rows)
    logits = occupancy_logits(
        model, rows_of(prediction, rows), {name: value[rows] for name, value in batch.items()}, true_depth
    )
    predicted, _ = normalize_visible(
        unproject(prediction.dense.depth, prediction.intrinsics, model.config.pixel_offset), mask, robust=True
    )
    terms = {
        "occupancy": F.binary_cross_entropy_with_logits(logits, batch["inside"][rows]),
        "mask": mask_loss(prediction.mask, mask),
        "occluder": mask_loss(prediction.occluder, batch["occluder"]),
        "relief": relief_loss(prediction, batch),
        "surface": masked_mean((predicted - true_surface).abs().sum(1, keepdim=True), mask),
        "camera": (prediction.intrinsics[:, 0, 0].log() - batch["intrinsics"][:, 0, 0].log()).abs().mean(),
    }
    if prediction.dense.normals is not None:
        cosine = (prediction.dense.normals * batch["normals"]).sum(1, keepdim=True)
        terms["normals"] = masked_mean(1 - cosine, batch["amodal"])
    if prediction.dense.thickness is not None:
        terms["thickness"] = thickness_loss(prediction, batch)
        terms["amodal"] = mask_loss(prediction.dense.amodal, batch["amodal"])
    return terms, logits


def occupancy_logits(model: ZeroShapeW, prediction: DensePrediction, batch: Batch, true_depth: bool = False) -> Tensor:
    """Occupancy logits [B,Q] at the batch's points, with the input masks, or with predicted ones for half the batch."""
    points = unproject(batch["depth"], batch["intrinsics"], model.config.pixel_offset)
    _, frame = normalize_visible(points, batch["mask"], robust=True)
    input_masks = batch["input_masks"]
    has_masks = input_masks.amax((1, 2, 3)) > 0
    if has_masks.all():
        masks = input_masks.split(1, 1)
    else:
        masks = _decoder_masks(prediction, batch["mask"], batch["occluder"])
    depth = torch.where(_every_fourth(batch["mask"]), batch["depth"], prediction.dense.depth) if true_depth else None
    seen = model.encode(prediction, *masks, depth=depth, frame=(batch["intrinsics"], frame))
    return model.query(frame.to_normalized(batch["points"]), seen)


def rows_of(prediction: DensePrediction, rows: Tensor) -> DensePrediction:
    """Predictions of some of the pictures; rows [B] bool."""

    def indexed(value: object) -> dict[str, Tensor | None]:
        layers = {f.name: getattr(value, f.name) for f in fields(value)}
        return {name: layer[rows] if isinstance(layer, Tensor) else layer for name, layer in layers.items()}

    return DensePrediction(**{**indexed(prediction), "dense": DenseFeatures(**indexed(prediction.dense))})


class LossTerms(nn.Module):
    """Network and losses as one module, so that accelerate can distribute it over processes."""

    def __init__(self, network: ZeroShapeW) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return zeroshape_w_losses(self.network, batch, true_depth=True)[0]


def _decoder_masks(prediction: DensePrediction, mask: Tensor, occluder: Tensor) -> tuple[Tensor, Tensor]:
    """Masks for the decoder: predicted for half of the batch, true for the others, since users may give their own.

    Predicted masks that are almost empty are replaced by the true ones.
    """
    predicted = (prediction.mask.detach().sigmoid() > 0.5).float()
    use_predicted = torch.arange(len(mask), device=mask.device) % 2 == 0
    use_predicted = (use_predicted & (predicted.sum((1, 2, 3)) >= MIN_VISIBLE_PX))[:, None, None, None]
    return (
        torch.where(use_predicted, predicted, mask),
        torch.where(use_predicted, prediction.occluder.detach().sigmoid(), occluder),
    )


def _every_fourth(values: Tensor) -> Tensor:
    """Every fourth row of a batch [B,...] -> [B,1,1,1] bool."""
    return (torch.arange(len(values), device=values.device) % 4 == 3)[:, None, None, None]


def relief_loss(prediction: DensePrediction, batch: Batch) -> Tensor:
    """L1 between predicted and true relief over the silhouette, up to a shift, in units of the object's size.

    The shift is that of the visible part: the part behind an occluder has to fit it.

    Relief is log depth times focal length, which a picture determines even if the focal length is unknown (see
    `mini_backbone.depth_from_relief`). Replaces ZeroShape's scale-and-shift-invariant depth loss.
    """
    mask, amodal = batch["mask"], batch["amodal"]

    def relief(depth: Tensor, intrinsics: Tensor) -> Tensor:
        value = depth.clamp_min(1e-3).log() * intrinsics[:, 0, 0, None, None, None]
        mean = (value * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1)
        return value - mean[:, None, None, None]

    error = relief(prediction.dense.depth, prediction.intrinsics.detach()) - relief(batch["depth"], batch["intrinsics"])
    return masked_mean(error.abs() / amodal.sum((1, 2, 3), keepdim=True).clamp_min(1).sqrt(), amodal) * 2


def thickness_loss(prediction: DensePrediction, batch: Batch) -> Tensor:
    """L1 between predicted and true relief from the first to the last surface, in units of the object's size."""
    amodal, focal = batch["amodal"], batch["intrinsics"][:, 0, 0, None, None, None]
    true = (1 + batch["thickness"] / batch["depth"].clamp_min(1e-3)).log() * focal
    predicted = prediction.dense.thickness * 2 * amodal.shape[-1]
    error = (predicted - true).abs() / amodal.sum((1, 2, 3), keepdim=True).clamp_min(1).sqrt()
    return masked_mean(error, amodal)


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy plus Dice loss of [B,1,H,W]; Dice skips batch entries whose target is empty."""
    p = logits.sigmoid()
    overlap, total = (p * target).sum((1, 2, 3)), (p + target).sum((1, 2, 3))
    present = (target.sum((1, 2, 3)) > 0).float()
    dice = ((1 - (2 * overlap + 1) / (total + 1)) * present).sum() / present.sum().clamp_min(1)
    return F.binary_cross_entropy_with_logits(logits, target) + 0.5 * dice


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the mask of each image, then over images, so that large objects count no more than small ones."""
    return ((values * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1)).mean()


def total(terms: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """Weighted sum of the loss terms."""
    return torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
