"""Validation of ZeroShape-W during training, on objects that are never trained on."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ...data.shards.scenes import SceneMix
from ...networks.zeroshape_w.model import ZeroShapeW
from .dataset import SceneDataset
from .losses import zeroshape_w_losses
from .settings import TrainSettings

SCENES = 64
FIRST = 900_000_000  # seeds that training never reaches


@torch.no_grad()
def validate(model: ZeroShapeW, settings: TrainSettings, check: Callable[[], None] = lambda: None) -> dict[str, float]:
    """Mean figures over fixed scenes at 128 px: masks of whole pictures; shape from object crops with input masks."""
    figures: dict[str, list[float]] = {}
    clean, occluded = SceneMix(clean=1.0), SceneMix(clean=0.0, occluded=1.0, truncated=0.0)
    for kind, mix in (("clean", clean), ("occluded", occluded)):
        close = replace(mix, close=True)
        data = SceneDataset(
            settings.validation, 2 * SCENES, first=FIRST, queries=2048, mix=mix, close_mix=close, period=2
        )
        for batch in _batches(data):
            check()
            batch = {name: value.to(next(model.parameters()).device) for name, value in batch.items()}
            rows = _crop_figures(model, {name: value[1::2] for name, value in batch.items()})
            rows |= _mask_figures(model, {name: value[::2] for name, value in batch.items()}, kind == "occluded")
            for name, value in rows.items():
                figures.setdefault(f"{kind}_{name}", []).append(float(value))
    return {name: round(sum(values) / len(values), 4) for name, values in figures.items()}


def _crop_figures(model: ZeroShapeW, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    terms, logits = zeroshape_w_losses(model, batch)
    reported = ("occupancy", "relief", "normals", "thickness", "camera")
    figures = {"occupancy_iou": _iou(logits > 0, batch["inside"] > 0.5)}
    return figures | {name: value for name, value in terms.items() if name in reported}


def _mask_figures(model: ZeroShapeW, batch: dict[str, Tensor], occluded: bool) -> dict[str, Tensor]:
    prediction = model.predict_dense(batch["image"])
    masks = {"mask_iou": _iou(prediction.mask > 0, batch["mask"] > 0.5)}
    return masks | ({"occluder_iou": _iou(prediction.occluder > 0, batch["occluder"] > 0.5)} if occluded else {})


def _batches(data: SceneDataset) -> Iterator[dict[str, Tensor]]:
    for start in range(0, len(data), 16):
        yield default_collate([data[i] for i in range(start, min(start + 16, len(data)))])


def _iou(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean over the batch of intersection over union of [B,...] booleans."""
    dims = tuple(range(1, predicted.ndim))
    union = (predicted | true).sum(dims).clamp_min(1)
    return ((predicted & true).sum(dims) / union).mean()
