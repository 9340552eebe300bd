"""Training samples of one object for the embedded outpainter: outpaint masks in known views, with what fills them.

They are those of its first training (`stages.outpainting.simulated_masks`): some known views are taken for all that
was ever seen, and another known view is to be painted. Where that leaves a single view, it has holes.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ....errors import BadInput
from ....render.fill import fill_nearest
from ....views.square_crop import SquareCrop
from ....views.views import Views
from ...fitting.rays import pixel_trust, reduced
from ...fitting.sdf_grid.settings import Trust
from ..diffusion_loss import Batch
from ..outpaint import SHARE, PainterInput, painter_input
from ..simulated_masks import Errors, OrbitRenders, simulate_outpaint_mask

SPARE = 1.25  # pixels of the views for each of the painter's, as in its first training
HOLES = (0.2, 0.8)  # share of a view that its holes take away
OFTEN_HOLES = 0.25  # share of the samples that have holes where other views could leave some
WHOLLY = 0.99  # mask of a pixel that shows nothing but the object
LEAST = 8  # pixels to be painted, else it is no sample
TRIES = 4  # for each sample
TINT = 0.5  # share of a random colour in another object's


def view_samples(views: Views, side: int, count: int, seed: int, check: Callable[[], None]) -> Batch:
    """`count` samples as `training.outpainter.dataset.OutpaintShard.sample` gives them, with a batch in front; pictures
    side x side.

    views: with depth and normals. The view to be painted is drawn by how far its pixels can be trusted (observed more
    than painted ones). Raises `BadInput` for views without depth or normals, and when nothing of them can be left out.
    """
    _check_surface(views)
    views = _on_white(reduced(views, round(SPARE * side)))
    orbit, rng, found = OrbitRenders.of(views), np.random.default_rng(seed), []
    likely = _trusted(views)
    for _ in range(TRIES * count):
        check()
        target = int(rng.choice(len(views), p=likely))
        sample = _training_sample(orbit, target, _earlier(len(views), target, rng), side, rng)
        if sample["masks"].sum() >= LEAST:
            found.append(sample)
        if len(found) == count:
            return {name: torch.cat([sample[name] for sample in found]) for name in found[0]}
    raise BadInput("The object is too small in its views to learn from them; crop the views to it.")


def other_objects(batch: Batch, generator: torch.Generator) -> Batch:
    """The same outpaint masks in objects of other colours, which say nothing about this one; their `truth` is not
    known.

    Colours take each other's places and half of another, random one.
    """
    count, images = len(batch["images"]), batch["images"].clone()
    known = (batch["seen"] > 0.5).expand_as(images)
    for i in range(count):
        order = torch.randperm(3, generator=generator)
        tint = torch.rand(3, 1, 1, generator=generator)
        images[i] = torch.where(known[i], images[i, order].lerp(tint.expand_as(images[i]), TINT), images[i])
    return {**batch, "images": images}


def _earlier(count: int, target: int, rng: np.random.Generator) -> list[int]:
    """Views that are taken for seen: some others, or the target itself, which has holes then."""
    others = [i for i in range(count) if i != target]
    if not others or rng.random() < OFTEN_HOLES:
        return [target]
    return sorted(rng.choice(others, int(rng.integers(1, len(others) + 1)), replace=False).tolist())


def _training_sample(
    orbit: OrbitRenders, target: int, earlier: list[int], side: int, rng: np.random.Generator
) -> Batch:
    """One sample, all with a batch of 1."""
    errors = Errors.random(rng)
    if earlier == [target]:
        errors = replace(errors, holes=float(rng.uniform(*HOLES)))
    found, view = simulate_outpaint_mask(orbit, earlier, target, errors, rng), orbit.views[target]
    crop = SquareCrop.around(found.silhouettes[0, 0], SHARE)
    inputs = painter_input(found, crop, side)
    truth = torch.cat([crop.crop(view.images, side), crop.crop_coverage(view.masks, side)], 1)
    return {**_layers(inputs), "truth": truth}


def _on_white(views: Views) -> Views:
    """The object alone: pixels that show something behind it take the nearest colour that is all its own.

    Blended twice with what is behind it, an outline would teach that outlines are pale.
    """
    own = (views.masks > WHOLLY) | ((views.masks > 0.5) & ~(views.masks > WHOLLY).flatten(1).any(1).view(-1, 1, 1, 1))
    colors = torch.stack([fill_nearest(i, m[0]) for i, m in zip(views.images, own, strict=True)])
    return replace(views, images=colors * views.masks + 1 - views.masks)


def _layers(inputs: PainterInput) -> dict[str, Tensor]:
    return {name: getattr(inputs, name) for name in ("images", "seen", "masks", "depth", "normals", "focal")}


def _trusted(views: Views) -> np.ndarray:
    """Probability [V] of each view, by the mean trust of its object's pixels."""
    on = (views.masks[:, 0] > 0.5).flatten(1).float()
    trust = (pixel_trust(views, Trust()).flatten(1) * on).sum(1) / on.sum(1).clamp_min(1)
    return (trust.double() / trust.double().sum()).numpy()


def _check_surface(views: Views) -> None:
    told = views.depth is not None and views.normals is not None
    if not told or not (views.depth > 0).flatten(1).any(1).all():
        raise BadInput(
            "The views have no depth and normals, which the embedded painter learns with; connect a model to the "
            "nodes that made them."
        )
