"""Validation of G3DR on single views of objects that are never trained on, with a sheet of pictures."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import default_collate

from ...cameras.camera import Cameras
from ...fields.triplane import TriplaneField
from ...networks.g3dr.frame import CameraBox
from .dataset import SingleViews
from .losses import LossTerms, RenderedBatch, fields_of
from .views import Target, own_cameras, turned

SAMPLES, SIDE = 8, 48
FIRST = 900_000_000  # seeds that training never reaches
YAWS = (0.4, -0.4)  # radians, of the sheet's novel views
ROWS = 8  # of the sheet
RAY_SAMPLES = (24, 24)


@torch.no_grad()
def validate(
    terms: LossTerms, shards: Path, check: Callable[[], None] = lambda: None, samples: int = SAMPLES
) -> tuple[dict[str, float], Tensor]:
    """Means over fixed crops at 128 px, rendered at 48 px, and a sheet [3,H,W]: input, its own view, novel views.

    psnr: dB of the own view; depth: L1 where it is known, half sides of the box; iou: of opacity and mask;
    semantic: distance of novel views to the input; inside_iou: of points where the field is solid and the object.
    """
    data = SingleViews(shards, samples, first=FIRST, exact=True)
    figures: dict[str, list[float]] = {}
    rows: list[Tensor] = []
    before = terms.samples
    terms.samples = RAY_SAMPLES
    for i in range(samples):
        check()
        batch = {name: value.to(next(terms.parameters()).device) for name, value in default_collate([data[i]]).items()}
        box = CameraBox.of(batch["intrinsics"], batch["depth"], batch["given_mask"])
        fields = fields_of(terms.network, batch, box)
        target = own_target(batch)
        own = terms.render(fields, box, target, True, None)
        novel = [terms.render(fields, box, _beside(target, box, yaw), False, None) for yaw in YAWS]
        found = _figures(terms, own, novel, target, box) | {"inside_iou": inside_iou(fields, batch)}
        for name, value in found.items():
            figures.setdefault(name, []).append(value)
        if i < ROWS:
            rows.append(torch.cat([target.image[0], own.color[0], *(n.color[0] for n in novel), _shown(own, box)], 2))
    terms.samples = before
    return {name: round(sum(v) / len(v), 4) for name, v in figures.items()}, torch.cat(rows, 1).clamp(0, 1)


def own_target(batch: dict[str, Tensor]) -> Target:
    """The whole picture at `SIDE` pixels."""
    small = {name: F.interpolate(batch[name], (SIDE, SIDE), mode="area") for name in ("image", "mask", "depth")}
    known = F.interpolate((batch["depth"] > 0).float(), (SIDE, SIDE), mode="area")
    image = F.interpolate(batch["image"] * batch["mask"] + 1 - batch["mask"], (SIDE, SIDE), mode="area")
    depth = torch.where(known > 0.99, small["depth"], 0.0)
    return Target(own_cameras(batch).resized(SIDE, SIDE), image, small["mask"], depth)


def _beside(target: Target, box: CameraBox, yaw: float) -> Target:
    angle = torch.full_like(box.middle, yaw)
    pose = turned(angle, torch.zeros_like(angle), box.middle)
    return Target(Cameras(pose, target.cameras.intrinsics, SIDE, SIDE), target.image, target.mask, 0 * target.depth)


def _figures(
    terms: LossTerms, own: RenderedBatch, novel: list[RenderedBatch], target: Target, box: CameraBox
) -> dict[str, float]:
    known, solid, mask = target.depth > 0, own.opacity > 0.5, target.mask > 0.5
    error = (own.depth - target.depth / box.half[:, None, None, None]).abs()
    semantic = [terms.distances.novel(n.color, target.image)[1] for n in novel]
    return {
        "psnr": float(-10 * (own.color - target.image).square().mean().log10()),
        "depth": float(error[known].mean()) if known.any() else 0.0,
        "iou": float((solid & mask).sum() / (solid | mask).sum().clamp_min(1)),
        "semantic": float(torch.stack(semantic).mean()),
    }


def inside_iou(fields: list[TriplaneField], batch: dict[str, Tensor]) -> float:
    """Intersection over union of the points [1,Q,3] that lie in the first field, and in the object."""
    solid, inside = fields[0].inside(batch["points"][0]) > 0, batch["inside"][0] > 0.5
    return float((solid & inside).sum() / (solid | inside).sum().clamp_min(1))


def _shown(own: RenderedBatch, box: CameraBox) -> Tensor:
    """Depth as a grey picture [3,R,R], near is bright."""
    slope = box.middle / box.half
    near = (slope - own.depth[0] + 1) / 2
    return (near * own.opacity[0]).expand(3, -1, -1).clamp(0, 1)
