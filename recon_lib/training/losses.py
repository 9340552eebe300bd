"""The losses of ZeroShape and ZeroShape-W, scaled for the small model.

Masks and occupancy: binary cross-entropy, masks with Dice beside it. Depth: the normalised visible surfaces are
compared, as in ZeroShape's second stage, which trains depth and camera together; the camera also directly.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.visible_points import normalize_visible, unproject
from ..networks.zeroshape_w import Glance, ZeroShapeW

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms of the sum."""

    occupancy: float = 2.0
    mask: float = 0.5
    occluder: float = 0.3
    relief: float = 1.0
    surface: float = 0.3
    normals: float = 1.0
    camera: float = 0.05


def zeroshape_w_losses(model: ZeroShapeW, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
    """Every term by name, and the occupancy logits [B,Q]. Queries are asked in the true frame."""
    mask, occluder = batch["mask"], batch["occluder"]
    glance = model.glance(batch["image"])
    true_points = unproject(batch["depth"], batch["intrinsics"], model.config.pixel_offset)
    true_surface, frame = normalize_visible(true_points, mask, robust=True)
    shown_mask, shown_occluder = _shown(glance, mask, occluder)
    seen = model.surface(glance, shown_mask, shown_occluder, frame=(batch["intrinsics"], frame))
    logits = model.query(frame.to_normalized(batch["points"]), seen)
    predicted, _ = normalize_visible(
        unproject(glance.dense.depth, glance.intrinsics, model.config.pixel_offset), mask, robust=True
    )
    terms = {
        "occupancy": F.binary_cross_entropy_with_logits(logits, batch["inside"]),
        "mask": mask_loss(glance.mask, mask),
        "occluder": mask_loss(glance.occluder, occluder),
        "relief": relief_loss(glance, batch),
        "surface": masked_mean((predicted - true_surface).abs().sum(1, keepdim=True), mask),
        "camera": (glance.intrinsics[:, 0, 0].log() - batch["intrinsics"][:, 0, 0].log()).abs().mean(),
    }
    if glance.dense.normals is not None:
        cosine = (glance.dense.normals * batch["normals"]).sum(1, keepdim=True)
        terms["normals"] = masked_mean(1 - cosine, mask)
    return terms, logits


class LossTerms(nn.Module):
    """The network with its losses as one module, so that accelerate can share it between processes."""

    def __init__(self, network: ZeroShapeW) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return zeroshape_w_losses(self.network, batch)[0]


def _shown(glance: Glance, mask: Tensor, occluder: Tensor) -> tuple[Tensor, Tensor]:
    """The masks that the decoder sees: predicted for half of the batch, true for the others, as users may give theirs.

    Predicted masks that are empty give way to true ones.
    """
    predicted = (glance.mask.detach().sigmoid() > 0.5).float()
    own = torch.arange(len(mask), device=mask.device) % 2 == 0
    own = (own & (predicted.sum((1, 2, 3)) >= 24))[:, None, None, None]
    return (
        torch.where(own, predicted, mask),
        torch.where(own, glance.occluder.detach().sigmoid(), occluder),
    )


def relief_loss(glance: Glance, batch: Batch) -> Tensor:
    """L1 between predicted and true relief over the mask, up to a shift, in units of the object's size.

    Relief is log depth times focal length, which a picture shows without showing the focal length (see
    `mini_backbone.depth_from_relief`). Takes the place of ZeroShape's scale-and-shift-invariant depth loss.
    """
    mask = batch["mask"]
    area = mask.sum((1, 2, 3)).clamp_min(1)

    def relief(depth: Tensor, intrinsics: Tensor) -> Tensor:
        value = depth.clamp_min(1e-3).log() * intrinsics[:, 0, 0, None, None, None]
        mean = (value * mask).sum((1, 2, 3)) / area
        return value - mean[:, None, None, None]

    error = relief(glance.dense.depth, glance.intrinsics.detach()) - relief(batch["depth"], batch["intrinsics"])
    return masked_mean(error.abs() / area.sqrt()[:, None, None, None], mask) * 2


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
