"""Validation of an outpainter on unseen objects, beside baselines without a network, with a sheet of pictures."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ...networks.outpainter import Outpainter
from ...render.fill import continued
from ...stages.outpainting.diffusion_loss import Batch, condition_and_target
from .dataset import OutpaintSamples

SAMPLES, BATCH, STEPS = 64, 16, 8
ROWS = 10  # of the sheet
GREY = 0.5


@torch.no_grad()
def validate(
    model: Outpainter, folder: Path, check: Callable[[], None] = lambda: None, count: int = SAMPLES
) -> tuple[dict[str, float], Tensor]:
    """Figures over fixed samples, and a sheet [3,H,W] in 0-1.

    For each method (`model`: sampled, `at_once`: the network's first step, `nearest`: the nearest seen colour, `grey`):
    `psnr` over all painted pixels on white and `object_psnr` over those of the true object, dB; `iou` of the object's
    mask, for which the last two methods take the whole hull.
    """
    data = OutpaintSamples(folder)
    errors: dict[str, list[float]] = {}
    sheet_rows: list[Tensor] = []
    for number, batch in enumerate(_batches(data, count)):
        check()
        condition, truth = condition_and_target(batch)
        device = next(model.parameters()).device
        generator = torch.Generator().manual_seed(number)
        pictures = {
            "model": model.sample(condition.to(device), generator, STEPS, check).cpu(),
            "at_once": model.sample(condition.to(device), generator, 1, check).cpu(),
            "nearest": nearest_fill(batch),
            "grey": grey_fill(batch),
        }
        for name, painted in pictures.items():
            for key, value in _errors(painted, truth, batch).items():
                errors.setdefault(f"{name}_{key}", []).append(value)
        sheet_rows += [_row(batch, pictures, truth, i) for i in range(min(len(truth), ROWS - len(sheet_rows)))]
    return _figures(errors), torch.cat(sheet_rows, 1)


def nearest_fill(batch: Batch) -> Tensor:
    """The nearest seen colour on the whole hull, [B,4,S,S] in -1..1; grey where nothing was seen."""
    hull = (batch["seen"] + batch["masks"]) > 0.5
    colors = torch.where(hull, continued(batch["images"], batch["seen"] > 0.5, GREY), 1.0)
    return torch.cat([colors, hull.float()], 1) * 2 - 1


def grey_fill(batch: Batch) -> Tensor:
    """Grey on the unseen part of the hull, [B,4,S,S] in -1..1."""
    hull = ((batch["seen"] + batch["masks"]) > 0.5).float()
    return torch.cat([torch.where(batch["masks"] > 0.5, GREY, batch["images"]), hull], 1) * 2 - 1


def _errors(picture: Tensor, truth: Tensor, batch: Batch) -> dict[str, float]:
    """Sums over the batch, of which `_figures` takes means."""
    paint, solid = batch["masks"] > 0.5, truth[:, 3:] > 0
    squared = ((picture - truth)[:, :3] / 2).square().mean(1, keepdim=True)
    predicted = picture[:, 3:] > 0
    return {
        "squared": float(squared[paint].sum()),
        "pixels": float(paint.sum()),
        "object_squared": float(squared[paint & solid].sum()),
        "object_pixels": float((paint & solid).sum()),
        "both": float((predicted & solid).sum()),
        "either": float((predicted | solid).sum()),
    }


def _figures(errors: dict[str, list[float]]) -> dict[str, float]:
    total = {name: sum(values) for name, values in errors.items()}
    figures = {}
    for method in [name.removesuffix("_both") for name in total if name.endswith("_both")]:
        for kind in ("", "object_"):
            mean = total[f"{method}_{kind}squared"] / max(total[f"{method}_{kind}pixels"], 1.0)
            figures[f"{method}_{kind}psnr"] = round(-10 * math.log10(max(mean, 1e-10)), 2)
        figures[f"{method}_iou"] = round(total[f"{method}_both"] / max(total[f"{method}_either"], 1.0), 4)
    return figures


def _row(batch: Batch, pictures: dict[str, Tensor], truth: Tensor, row: int) -> Tensor:
    """Row of the sheet, [3,S,7*S] in 0-1: input, nearest fill, first step, painted, truth; painted and true alpha."""
    columns = [batch["images"][row] * 2 - 1, *(pictures[name][row, :3] for name in ("nearest", "at_once", "model"))]
    columns += [truth[row, :3], *(p[row, 3:].expand(3, -1, -1) for p in (pictures["model"], truth))]
    return (torch.cat(columns, -1).clamp(-1, 1) + 1) / 2


def _batches(data: OutpaintSamples, count: int) -> Iterator[Batch]:
    """Batches of `count` samples, evenly spaced over all."""
    rows = torch.linspace(0, len(data) - 1, min(count, len(data))).long().tolist()
    for start in range(0, len(rows), BATCH):
        yield default_collate([data[row] for row in rows[start : start + BATCH]])
