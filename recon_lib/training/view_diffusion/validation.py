"""Validation of the prior of views on unseen objects, beside the nearest input, with a sheet of pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...networks.view_diffusion.model import ViewDiffusion
from ...render.feature_map import render_feature_map
from ...stages.fitting.radiance.view_priors import DiffusionPrior, RepairPrior, nearest_views
from ...views.views import Views
from .bad_renders import bad_render, carried_colors
from .dataset import MOST_INPUTS, OrbitViews
from .losses import TARGETS

SAMPLES, INPUTS = 24, 3
ROWS = 10  # of the sheet


@torch.no_grad()
def validate(
    model: ViewDiffusion, folder: Path, check: Callable[[], None] = lambda: None, count: int = SAMPLES
) -> tuple[dict[str, float], Tensor]:
    """Mean PSNR in dB, over white, of novel views from three inputs; and a sheet [3,H,W] in 0-1.

    `nearest` is the nearest input, `pixel_nerf` the PixelNeRF's own render, `sample` a one-shot sample of DDIM from
    pure noise, `from_map` the repair of the PixelNeRF's render, `bad` an imitated bad render and `repair` its repair.
    """
    data = OrbitViews(folder, model.config.side, TARGETS + MOST_INPUTS)
    rows = torch.linspace(0, len(data) - 1, min(count, len(data))).long().tolist()
    figures: dict[str, list[float]] = {}
    sheet: list[Tensor] = []
    for number, row in enumerate(rows):
        check()
        views = data[row]
        target, inputs = views[0], views[1 : 1 + INPUTS]
        pictures = novel_view_pictures(model, target, inputs, number)
        for name, picture in pictures.items():
            figures.setdefault(name, []).append(psnr(picture, target.images))
        if number < ROWS:
            sheet.append(torch.cat([*inputs.images, *(p[0] for p in pictures.values()), target.images[0]], -1))
    return {name: round(float(np.mean(values)), 3) for name, values in figures.items()}, torch.cat(sheet, 1)


def novel_view_pictures(model: ViewDiffusion, target: Views, inputs: Views, seed: int) -> dict[str, Tensor]:
    """The target view [1,3,S,S] 0-1 by each method; what each is, `validate` says."""
    device = next(model.parameters()).device
    side, camera = model.config.side, target.cameras
    on_device = Views(inputs.images.to(device), inputs.cameras.to(device), inputs.masks.to(device))
    rendered = render_feature_map(model, model.encode(on_device), camera.to(device))
    map_picture = F.interpolate(rendered.color.cpu(), (side, side), mode="bilinear")
    rng, generator = np.random.default_rng([seed, 17]), torch.Generator().manual_seed(seed)
    hull = carried_colors(inputs, camera, rendered.distance.cpu(), rendered.opacity.cpu(), rng)
    bad = bad_render(target, inputs, hull, rng)
    repair, diffusion = RepairPrior(model), DiffusionPrior(model)
    return {
        "nearest": inputs.images[nearest_views(inputs.cameras, camera, 1)],
        "pixel_nerf": map_picture,
        "sample": diffusion.sample(map_picture, camera, inputs, 1.0, generator),
        "from_map": repair.sample(map_picture, camera, inputs, 1.0),
        "bad": bad,
        "repair": repair.sample(bad, camera, inputs, 1.0),
    }


def psnr(picture: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio, dB; at most 60."""
    return float(-10 * (picture - truth).square().mean().clamp_min(1e-6).log10())
