"""The losses of ZeroShape and ZeroShape-W, scaled for the small model.

Masks and occupancy: binary cross-entropy, masks with Dice beside it. Depth: the normalised visible surfaces are
compared, as in ZeroShape's second stage, which trains depth and camera together; the camera also directly.
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


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms of the sum: such that none drowns the others' gradients in the layers that all share."""

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
    """Every term by name, and the occupancy logits [B,Q]. Queries are asked in the true frame.

    true_depth: one picture in four comes with it, so that the decoder learns to trust a user's own, sharp depth.

    Where masks are told to some pictures (`known` in the batch), only those are asked for occupancy: B is theirs.
    """
    mask = batch["mask"]
    prediction = model.predict_dense(batch["image"], masks=batch["known"])
    true_points = unproject(batch["depth"], batch["intrinsics"], model.config.pixel_offset)
    true_surface, _ = normalize_visible(true_points, mask, robust=True)
    rows = batch["known"].amax((1, 2, 3)) > 0
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
    """What the model answers at the batch's points, through the masks that it would have: told, or half predicted."""
    points = unproject(batch["depth"], batch["intrinsics"], model.config.pixel_offset)
    _, frame = normalize_visible(points, batch["mask"], robust=True)
    known = batch["known"]
    told = known.amax((1, 2, 3)) > 0
    shown = known.split(1, 1) if told.all() else _shown(prediction, batch["mask"], batch["occluder"])
    depth = torch.where(_fourths(batch["mask"]), batch["depth"], prediction.dense.depth) if true_depth else None
    seen = model.encode(prediction, *shown, depth=depth, frame=(batch["intrinsics"], frame))
    return model.query(frame.to_normalized(batch["points"]), seen)


def rows_of(prediction: DensePrediction, rows: Tensor) -> DensePrediction:
    """The predictions of some of the pictures; rows [B] bool."""

    def taken(value: object) -> dict[str, Tensor | None]:
        many = {f.name: getattr(value, f.name) for f in fields(value)}
        return {name: each[rows] if isinstance(each, Tensor) else each for name, each in many.items()}

    return DensePrediction(**{**taken(prediction), "dense": DenseFeatures(**taken(prediction.dense))})


class LossTerms(nn.Module):
    """The network with its losses as one module, so that accelerate can share it between processes."""

    def __init__(self, network: ZeroShapeW) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return zeroshape_w_losses(self.network, batch, true_depth=True)[0]


def _shown(prediction: DensePrediction, mask: Tensor, occluder: Tensor) -> tuple[Tensor, Tensor]:
    """The masks that the decoder sees: predicted for half of the batch, true for the others, as users may give theirs.

    Predicted masks that are empty give way to true ones.
    """
    predicted = (prediction.mask.detach().sigmoid() > 0.5).float()
    own = torch.arange(len(mask), device=mask.device) % 2 == 0
    own = (own & (predicted.sum((1, 2, 3)) >= 24))[:, None, None, None]
    return (
        torch.where(own, predicted, mask),
        torch.where(own, prediction.occluder.detach().sigmoid(), occluder),
    )


def _fourths(values: Tensor) -> Tensor:
    """Every fourth row of a batch [B,...] -> [B,1,1,1] bool."""
    return (torch.arange(len(values), device=values.device) % 4 == 3)[:, None, None, None]


def relief_loss(prediction: DensePrediction, batch: Batch) -> Tensor:
    """L1 between predicted and true relief over the silhouette, up to a shift, in units of the object's size.

    The shift is that of the visible part: what lies behind an occluder has to fit it.

    Relief is log depth times focal length, which a picture shows without showing the focal length (see
    `mini_backbone.depth_from_relief`). Takes the place of ZeroShape's scale-and-shift-invariant depth loss.
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
    """Cross-entropy plus Dice of [B,1,H,W]; Dice counts a batch entry only where its target is not empty."""
    p = logits.sigmoid()
    overlap, total = (p * target).sum((1, 2, 3)), (p + target).sum((1, 2, 3))
    present = (target.sum((1, 2, 3)) > 0).float()
    dice = ((1 - (2 * overlap + 1) / (total + 1)) * present).sum() / present.sum().clamp_min(1)
    return F.binary_cross_entropy_with_logits(logits, target) + 0.5 * dice


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the mask of each image, then over images: big objects count no more than small ones."""
    return ((values * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1)).mean()


def total(terms: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """The weighted sum."""
    return torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
