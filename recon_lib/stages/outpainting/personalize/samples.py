"""Training samples of one object for the embedded outpainter: simulated outpaint masks of known views, and the truth.

They are like those of its first training (`stages.outpainting.simulated_masks`): some known views count as the earlier
ones, and another known view is to be painted. If there is only one view, it has holes that are to be painted.
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
from ..outpaint import HULL_SHARE, PainterInput, painter_input
from ..simulated_masks import Errors, OrbitRenders, simulate_outpaint_mask

OVERSAMPLING = 1.25  # pixels of the views for each of the painter's, as in its first training
HOLES = (0.2, 0.8)  # range of the fraction of a view that is in holes
HOLES_PROBABILITY = 0.25  # of samples with holes, when there are other views
FULL_COVERAGE = 0.99  # mask value of a pixel that shows only the object
MIN_PAINTED_PX = 8  # of a sample; with fewer pixels to be painted there is none
TRIES = 4  # for each sample
TINT = 0.5  # fraction of a random colour in another object's colours


def view_samples(views: Views, side: int, count: int, seed: int, check: Callable[[], None]) -> Batch:
    """`count` samples, as a batch of `training.outpainter.dataset.OutpaintShard.sample`; pictures side x side.

    views: with depth and normals. The view to be painted is drawn in proportion to the trust in its pixels (observed
    pixels more than painted ones). Raises `BadInput` for views without depth or normals, and for an object so small
    that too little of it is to be painted.
    """
    _check_surface(views)
    views = _on_white(reduced(views, round(OVERSAMPLING * side)))
    orbit, rng, samples = OrbitRenders.of(views), np.random.default_rng(seed), []
    probability = _view_probabilities(views)
    for _ in range(TRIES * count):
        check()
        target = int(rng.choice(len(views), p=probability))
        sample = _training_sample(orbit, target, _earlier(len(views), target, rng), side, rng)
        if sample["masks"].sum() >= MIN_PAINTED_PX:
            samples.append(sample)
        if len(samples) == count:
            return {name: torch.cat([sample[name] for sample in samples]) for name in samples[0]}
    raise BadInput("The object is too small in its views to train on them; crop the views to it.")


def other_objects(batch: Batch, generator: torch.Generator) -> Batch:
    """The same outpaint masks in objects of other colours, for prior preservation; their `truth` is not known.

    Colour channels are permuted and mixed half and half with a random colour.
    """
    count, images = len(batch["images"]), batch["images"].clone()
    seen = (batch["seen"] > 0.5).expand_as(images)
    for i in range(count):
        order = torch.randperm(3, generator=generator)
        tint = torch.rand(3, 1, 1, generator=generator)
        images[i] = torch.where(seen[i], images[i, order].lerp(tint.expand_as(images[i]), TINT), images[i])
    return {**batch, "images": images}


def _earlier(count: int, target: int, rng: np.random.Generator) -> list[int]:
    """Views that count as the earlier ones: some others, or the target itself, which then has holes."""
    others = [i for i in range(count) if i != target]
    if not others or rng.random() < HOLES_PROBABILITY:
        return [target]
    return sorted(rng.choice(others, int(rng.integers(1, len(others) + 1)), replace=False).tolist())


def _training_sample(
    orbit: OrbitRenders, target: int, earlier: list[int], side: int, rng: np.random.Generator
) -> Batch:
    """One sample, as a batch of 1."""
    errors = Errors.random(rng)
    if earlier == [target]:
        errors = replace(errors, holes=float(rng.uniform(*HOLES)))
    outpaint_mask, view = simulate_outpaint_mask(orbit, earlier, target, errors, rng), orbit.views[target]
    crop = SquareCrop.around(outpaint_mask.silhouettes[0, 0], HULL_SHARE)
    inputs = painter_input(outpaint_mask, crop, side)
    truth = torch.cat([crop.crop(view.images, side), crop.crop_coverage(view.masks, side)], 1)
    return {**_layers(inputs), "truth": truth}


def _on_white(views: Views) -> Views:
    """The object on white: partly covered pixels take the nearest colour of a fully covered one, blended by the mask.

    Blended with the background as well, outlines would be pale, and the painter would learn that.
    """
    full = (views.masks > FULL_COVERAGE) | (
        (views.masks > 0.5) & ~(views.masks > FULL_COVERAGE).flatten(1).any(1).view(-1, 1, 1, 1)
    )
    colors = torch.stack([fill_nearest(i, m[0]) for i, m in zip(views.images, full, strict=True)])
    return replace(views, images=colors * views.masks + 1 - views.masks)


def _layers(inputs: PainterInput) -> dict[str, Tensor]:
    return {name: getattr(inputs, name) for name in ("images", "seen", "masks", "depth", "normals", "focal")}


def _view_probabilities(views: Views) -> np.ndarray:
    """Probability [V] of each view, by the mean trust of its object's pixels."""
    on = (views.masks[:, 0] > 0.5).flatten(1).float()
    trust = (pixel_trust(views, Trust()).flatten(1) * on).sum(1) / on.sum(1).clamp_min(1)
    return (trust.double() / trust.double().sum()).numpy()


def _check_surface(views: Views) -> None:
    has_surface = views.depth is not None and views.normals is not None
    if not has_surface or not (views.depth > 0).flatten(1).any(1).all():
        raise BadInput(
            "The views have no depth and normals, which the embedded painter needs to train; connect a model to the "
            "nodes that made them."
        )
