"""Validation of LIST during training, on objects that are never trained on."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ...cameras.upright import angles_from_up
from ...networks.list_sdf.mini import EncodedPicture, ListMini
from .dataset import CLEAN, UprightDataset
from .losses import chamfer, coarse_losses, distance_loss

SAMPLES, BATCH = 64, 16
FIRST = 900_000_000  # seeds that training never reaches


@torch.no_grad()
def validate(
    network: ListMini, shards: Path, check: Callable[[], None] = lambda: None, samples: int = SAMPLES
) -> dict[str, float]:
    """Figures over fixed clean crops at 128 px: errors of shape, and of the view as medians.

    up, elevation, roll: degrees; lens: |log| of the distance's ratio to the true one; position: picture sides.
    """
    data = UprightDataset(shards, samples, first=FIRST, queries=2048, mix=CLEAN)
    means: dict[str, list[Tensor]] = {}
    views: dict[str, list[Tensor]] = {}
    for start in range(0, samples, BATCH):
        check()
        batch = default_collate([data[i] for i in range(start, min(start + BATCH, samples))])
        batch = {name: value.to(next(network.parameters()).device) for name, value in batch.items()}
        encoded = network.encode(batch["image"], batch["masks"])
        for name, value in _shape_figures(network, encoded, batch).items():
            means.setdefault(name, []).append(value)
        for name, value in view_errors(encoded, batch).items():
            views.setdefault(name, []).append(value)
    figures = {name: float(torch.stack(values).mean()) for name, values in means.items()}
    figures |= {f"{name}_median": float(torch.cat(values).median()) for name, values in views.items()}
    return {name: round(value, 4) for name, value in figures.items()}


def _shape_figures(network: ListMini, encoded: EncodedPicture, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    answers, inside = network.distance(batch["points"], encoded), batch["distance"] < 0
    union = ((answers < 0) | inside).sum(1).clamp_min(1)
    return {
        "chamfer": chamfer(encoded.points, batch["surface"]),
        "position": coarse_losses(encoded, batch)["position"],
        "distance": distance_loss(answers, batch["distance"], network.config.sdf_scale),
        "iou": (((answers < 0) & inside).sum(1) / union).mean(),
    }


def view_errors(encoded: EncodedPicture, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Errors of up direction, elevation, roll (degrees) and lens (|log| ratio), [B] each."""
    view = encoded.view
    found, true = angles_from_up(view.up), angles_from_up(batch["up"])
    roll = (found[1] - true[1] + 180) % 360 - 180
    return {
        "up": torch.rad2deg((view.up * batch["up"]).sum(-1).clamp(-1, 1).acos()),
        "elevation": (found[0] - true[0]).abs(),
        "roll": roll.abs(),
        "lens": (view.convergence.log() - batch["convergence"].log()).abs(),
    }
