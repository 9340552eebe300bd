"""Quick figures on objects that are never trained on, printed while training."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ..data.scenes import SceneMix
from ..networks.zeroshape_w import ZeroShapeW
from .dataset import SceneDataset
from .losses import zeroshape_w_losses
from .settings import TrainSettings

SCENES = 64
FIRST = 900_000_000  # seeds that training never reaches


@torch.no_grad()
def validate(model: ZeroShapeW, settings: TrainSettings, check: Callable[[], None] = lambda: None) -> dict[str, float]:
    """Mean figures over fixed scenes: occupancy, mask and occluder IoU, surface and camera error, 128 px."""
    figures: dict[str, list[float]] = {}
    for kind, mix in (("clean", SceneMix(clean=1.0)), ("occluded", SceneMix(clean=0.0, occluded=1.0, truncated=0.0))):
        data = SceneDataset(settings.validation, SCENES, first=FIRST, queries=2048, mix=mix)
        for batch in _batches(data):
            check()
            batch = {name: value.to(next(model.parameters()).device) for name, value in batch.items()}
            terms, logits = zeroshape_w_losses(model, batch)
            glance = model.glance(batch["image"])
            rows = {
                "occupancy_iou": _iou(logits > 0, batch["inside"] > 0.5),
                "mask_iou": _iou(glance.mask > 0, batch["mask"] > 0.5),
                **{name: value for name, value in terms.items() if name in ("occupancy", "surface", "camera")},
            }
            if kind == "occluded":
                rows["occluder_iou"] = _iou(glance.occluder > 0, batch["occluder"] > 0.5)
            for name, value in rows.items():
                figures.setdefault(f"{kind}_{name}", []).append(float(value))
    return {name: round(sum(values) / len(values), 4) for name, values in figures.items()}


def _batches(data: SceneDataset) -> Iterator[dict[str, Tensor]]:
    for start in range(0, len(data), 16):
        yield default_collate([data[i] for i in range(start, min(start + 16, len(data)))])


def _iou(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean over the batch of intersection over union of [B,...] booleans."""
    dims = tuple(range(1, predicted.ndim))
    union = (predicted | true).sum(dims).clamp_min(1)
    return ((predicted & true).sum(dims) / union).mean()
