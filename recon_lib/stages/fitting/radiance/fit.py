"""Radiance fields from posed views: a multiresolution grid, fitted by volume rendering (after Barron et al. 2023).

Views with masks are fitted as an object in a box: samples lie where something is. Views whose masks cover all are
fitted as a scene: space is contracted and a proposal says where samples are needed.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ....fields.contraction import Frame
from ....fields.field import Field
from ....fields.radiance import RadianceGrid
from ....memory import explain_oom
from ....networks.contracts import ViewPrior
from ....progress import Progress
from ....views.views import Views
from ..checkpoint import Checkpoint, fingerprint
from ..loop import all_steps
from ..rays import check_views, covers_all, reduced
from ..sdf_grid.start import find_bounds
from .fitted import FittedRadiance
from .novel_views import NovelViews
from .rays import SAMPLE_HASH, RadianceRays, pick_pixels, with_neighbours
from .settings import RadianceSettings
from .start import Start, continued_model, proposal_model, scene_frame, spacing_of, starting_model
from .step import rays_loss

log = logging.getLogger("recon3d")
TITLE = "Fit radiance field"
PREVIEW_SIDE = 96  # pixels, of the shorter side


@dataclass(frozen=True)
class RadianceFit:
    """A fitted field and statistics of the fit."""

    field: RadianceGrid
    seconds: float
    steps: int
    loss: float  # of the last step
    resumed: int  # steps that a checkpoint had done already


@explain_oom("fitting the views", "give smaller pictures or fewer of them")
def fit_radiance(
    views: Views,
    *,
    start: Field | None = None,
    hull: Field | None = None,
    bounds: Tensor | None = None,
    settings: RadianceSettings | None = None,
    prior: ViewPrior | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> RadianceFit:
    """Fit a radiance field to `views`. With masks it is an object's, with masks of ones a whole scene's.

    start: the field to begin with; a `RadianceGrid` is fitted further as it is, of others the shape counts. Default,
    unless `settings.hull_start` is off: the hull above the ground and within its mirror images (`HullStart`).
    hull: nothing lies outside this field; default: the masks' visual hull, unless `settings.hull_start` is off.
    bounds: [2,3] world, the box to work in; default: that of the masks' visual hull. Scenes have none.
    prior: says what cameras between the views see (Wu et al. 2024, "ReconFusion"), for the sample loss of objects.
    checkpoint: as for `fit_volsdf`: a fit of the same input that was cut off goes on from it with the same result.
    The same seed and input give the same field on one machine. Computed on the CPU.
    Raises `BadInput` for empty masks, NaN, an empty start or hull, and masks that have no point in common.
    """
    check_views(views, whole=True)
    fit = RadianceRun(views, start, hull, bounds, settings or RadianceSettings(), prior, seed, progress or Progress())
    return fit.run(None if checkpoint is None else Checkpoint(checkpoint, fingerprint(*fit.inputs)))


class RadianceRun:
    """One fit: its inputs and its state. `advance` does one step."""

    def __init__(
        self,
        views: Views,
        start: Field | None,
        hull: Field | None,
        bounds: Tensor | None,
        settings: RadianceSettings,
        prior: ViewPrior | None,
        seed: int,
        progress: Progress,
    ) -> None:
        views = reduced(views, settings.side)
        self.views, self.settings, self.seed, self.progress = views, settings, seed, progress
        self.rays = RadianceRays.of(views, settings.trust, progress.check)
        scene = covers_all(views)
        if isinstance(start, RadianceGrid):
            frame, model, spacing = start.frame, continued_model(start), start.spacing
            settings = replace(settings, levels=tuple(level.nodes for level in model.levels))
        else:
            frame, first = scene_frame(views) if scene else None, Start(start, hull)
            if frame is None:
                bounds = find_bounds(views) if bounds is None else bounds
                frame = Frame.within(bounds)
                if settings.hull_start:
                    first = first.or_hull(views, bounds, progress.check)
            hull = first.hard
            model = starting_model(frame, first, settings, seed, progress.check)
            spacing = spacing_of(frame, settings)
        width = float((self.rays.spread.mean() / 2) * (views.cameras.position - frame.center).norm(dim=-1).mean())
        field = RadianceGrid(
            model, frame, spacing, width=width, multisamples=settings.multisamples, directional=settings.directions
        )
        if frame.contracted:
            coarse = replace(field, module=proposal_model(settings, seed))
            field = replace(field, proposal=coarse)
        self.fitted = FittedRadiance(field, len(views), settings)
        self.novel = None if prior is None else NovelViews(prior, views, settings.novel_views, seed)
        cameras = views.cameras
        pictures = (views.images, views.masks, views.depth, views.provenance)
        message = repr((settings, seed, _kind(prior), frame.radius, frame.contracted))
        first = (model.bias, *(level.table for level in model.levels))
        self.inputs = (*pictures, cameras.camera_to_world, cameras.intrinsics, frame.center, *first, message)
        self.candidates = self.fitted.visible(self.rays, progress.check)
        self.done, self.loss = 0, 0.0

    def run(self, checkpoint: Checkpoint | None = None) -> RadianceFit:
        """All steps, from where a checkpoint stands."""
        total = self.settings.steps
        field, stats = all_steps(self, TITLE, total, checkpoint, self.fitted.result)
        log.info("fitted %d views in %d steps, %.1f s", len(self.views), total, stats.seconds)
        return RadianceFit(field, stats.seconds, total, self.loss, stats.resumed)

    @torch.enable_grad()  # hosts work without gradients
    def advance(self) -> float:
        """One step. -> its loss"""
        s, generator = self.settings, torch.Generator()
        generator.manual_seed(self.seed % 2**32 * SAMPLE_HASH + self.done)
        self.fitted.prepare(self.done)
        ranked = s.weights.ranking > 0 and self.views.depth is not None
        pixels = pick_pixels(self.candidates, s.rays // 2 if ranked else s.rays, generator)
        if ranked:
            height, width = self.views.images.shape[-2:]
            pixels = with_neighbours(pixels, height, width, generator)
        loss = rays_loss(self.fitted, self.rays[pixels], generator, ranked)
        if self.novel is not None and self.done % s.prior_every == 0:
            loss = loss + s.weights.prior * self.novel.loss(self.fitted.render, self.done, s.steps)
        self.fitted.descend(loss)
        self.done, self.loss = self.done + 1, float(loss.detach())
        return self.loss

    def preview(self) -> Tensor:
        """A quick picture [3,H,W] from the first camera, over white."""
        camera = self.views.cameras[0]
        scale = PREVIEW_SIDE / min(camera.height, camera.width)
        with torch.no_grad():
            return self.fitted.render(camera.resized(round(camera.height * scale), round(camera.width * scale)))[0]

    def state(self) -> dict:
        """The state after a step."""
        novel = {} if self.novel is None else self.novel.state()
        return {"done": self.done, "loss": self.loss, "fitted": self.fitted.state(), "novel": novel}

    def load_state(self, state: dict) -> None:
        """Go back to a `state`."""
        novel = state["novel"]
        self.fitted.load_state(state["fitted"])
        if self.novel is not None:
            self.novel.load_state(novel)
        self.done, self.loss = state["done"], float(state["loss"])


def _kind(prior: ViewPrior | None) -> tuple | None:
    """What tells priors apart, as far as it can be told without their weights."""
    return None if prior is None else (type(prior).__name__, prior.size, getattr(prior, "guidance", None))
