"""VolSDF from posed views: a signed-distance grid with colour, fitted by volume rendering (Yariv et al. 2021).

In place of the paper's perceptron with its 98 samples a ray, a grid is fitted coarse to fine with a handful of samples
where each ray meets the surface; `fit_volsdf_mlp` is the paper's own way. The fit goes in rounds: the rays of a round
are traced to the current surface without gradients, their samples are laid, and each is trained on a few times.
Depth and normal cues are MonoSDF's (Yu et al. 2022); every pixel counts by where it comes from.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ....check import check_shape
from ....errors import BadInput
from ....fields.cells import Cells
from ....fields.distance_grid import DistanceGrid
from ....fields.field import Field
from ....fields.sdf_grid import SdfGrid
from ....memory import explain_oom
from ....networks.volsdf.grid_color import GridColor
from ....progress import Progress
from ....render.near_surface import nearest_surface
from ....views.views import Views
from ..checkpoint import Checkpoint, fingerprint, seeded
from ..loop import all_steps
from ..rays import PixelRays, check_views, reduced
from .grid import FittedGrid
from .hull_start import HullStart
from .preview import quick_picture
from .settings import FitSettings
from .silhouettes import Silhouettes
from .start import ColorStart, HullLimit, around_both, find_bounds, starting_distance
from .step import NEAR_BETAS, SEEN, sample_rays, train_step

log = logging.getLogger("recon3d")
TITLE = "Fit VolSDF"
BUMPS = 12.0  # spacings: plain surfaces come out hammered up to about this length; a mesh's own details stay
COARSE_STEPS, COARSE_TOLERANCE, COARSE_CELLS = 12, 0.5, 3.0  # of the tracing that chooses the rays of a level


@dataclass(frozen=True)
class Fit:
    """A fitted field and statistics of the fit."""

    field: SdfGrid
    seconds: float
    rounds: int
    loss: float  # mean of the last round
    resumed: int  # rounds that a checkpoint had done already


@explain_oom("fitting the views", "give smaller pictures or fewer of them")
def fit_volsdf(
    views: Views,
    *,
    start: Field | None = None,
    hull: Field | None = None,
    bounds: Tensor | None = None,
    settings: FitSettings | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Fit a field to `views`; they need masks, and may have depth, normals and provenance.

    start: the field to begin with; a field of an earlier fit is fitted further, which takes a part of the time, and one
    of a mesh (`mesh_to_field`) is fitted coarse to fine and keeps its details where no view objects. By default several
    views begin with their hull above the ground and within its mirror images (`hull_start`).
    hull: nothing of the object lies outside this field. bounds: [2,3] world, the box to work in; default: the start's,
    else the hull's, else that of the masks' visual hull; a mesh's and the masks' together.
    checkpoint: a file to which the state is written now and then; a fit of the same input that finds it there goes on
    from it with the same result. It stays when the fit is done: a caller that has written what came of it removes it
    by `remove_checkpoint`.
    The same seed and input give the same field on one machine. Computed on the CPU.
    Raises `BadInput` for missing or whole masks, NaN, an empty start, and for masks that have no point in common.
    """
    check_views(views)
    fit = GridFit(views, start, hull, bounds, settings or FitSettings(), seed, progress or Progress())
    return fit.run(None if checkpoint is None else Checkpoint(checkpoint, fingerprint(*fit.inputs)))


class GridFit:
    """One fit: its inputs and its state. `advance` does one round."""

    def __init__(
        self,
        views: Views,
        start: Field | None,
        hull: Field | None,
        bounds: Tensor | None,
        settings: FitSettings,
        seed: int,
        progress: Progress,
    ) -> None:
        views = reduced(views, settings.side)
        self.views, self.seed, self.progress = views, seed, progress
        self.rays = PixelRays.of(views, settings.trust, progress.check)
        if isinstance(start, SdfGrid) and bounds is None:
            settings, cells = settings.refit(start.cells.nodes), start.cells
        else:
            settings = settings.from_shape() if isinstance(start, DistanceGrid) else settings
            if bounds is None and isinstance(start, DistanceGrid) and len(views) > 1:
                bounds = around_both(start.bounds, find_bounds(views))  # the mesh may lack what the views show
            elif bounds is None:
                bounds = next((field.bounds for field in (start, hull) if field is not None), None)
            cells = Cells.within(find_bounds(views) if bounds is None else bounds, settings.levels[0].nodes)
        self.settings = settings
        finest = settings.levels[-1].nodes
        first = start or HullStart.of(views, hull or Silhouettes.of(views), cells.bounds, progress.check, finest)
        distance = starting_distance(first, cells, progress.check)
        self.limit = HullLimit.of(hull, cells, progress.check)
        shape = start if isinstance(start, DistanceGrid) else None
        with seeded(seed):
            module = GridColor(settings.features, settings.hidden)
        base = None
        if isinstance(start, SdfGrid) and start.features.shape[1] == settings.features:
            base = start
            module.load_state_dict(start.module.state_dict())
        elif start is not None and start.has_color:
            base = ColorStart(start, settings.features)
        self.grid = FittedGrid(cells, distance, base, module, settings.levels[0].betas[0] * cells.spacing, shape)
        cameras = views.cameras
        pictures = (views.images, views.masks, views.depth, views.normals, views.provenance)
        message = repr((settings, seed, base is not None))
        shapes = distance, self.limit.values, None if shape is None else shape.distance
        self.inputs = (*pictures, cameras.camera_to_world, cameras.intrinsics, *shapes, message)
        detailed = shape is not None or (isinstance(start, SdfGrid) and not start.bumps)
        self.bumps = 0.0 if detailed else BUMPS
        self.done, self.loss = 0, 0.0  # rounds, and the loss of the last one
        self.candidates = torch.zeros(0, dtype=torch.int32)  # rays of this level that may meet the surface

    def run(self, checkpoint: Checkpoint | None = None) -> Fit:
        """All rounds, from where a checkpoint stands."""
        total = self.settings.rounds
        field, stats = all_steps(self, TITLE, total, checkpoint, lambda: self.grid.field(self.bumps))
        log.info(
            "fitted %d views in %d rounds, %.1f s, %d nodes", len(self.views), total, stats.seconds, len(self.grid)
        )
        return Fit(field, stats.seconds, total, self.loss, stats.resumed)

    @torch.enable_grad()  # hosts work without gradients
    def advance(self) -> float:
        """One round: lay the samples of some rays, and train on each a few times. -> the mean loss"""
        level, index = self.settings.level(self.done)
        grid, spacing = self.grid, self.grid.cells.spacing
        if index == 0:
            self._begin_level(level.nodes, level.betas[0])
            spacing = grid.cells.spacing
        limits = self.settings.least_beta * spacing, level.most_beta(index) * spacing
        grid.limit_beta(*limits)
        generator = torch.Generator().manual_seed(self.seed % 2**32 * 100_003 + self.done)
        batches = list(sample_rays(grid, self.rays[self._picked(index)], self.settings, generator))
        grid.set_rates(self.settings.rates, self.settings.rate(self.done))
        losses = []
        for _ in range(self.settings.epochs):
            for batch in batches:
                self.progress.check()
                losses.append(train_step(grid, batch, len(self.views), self.settings, generator))
                grid.limit_beta(*limits)
        self.loss = sum(losses) / max(len(losses), 1)
        self._keep_in_hull()
        self.done += 1
        return self.loss

    def _begin_level(self, nodes: int, beta: float) -> None:
        """Refine the grid, and choose the rays that may meet the surface while the level lasts."""
        if self.grid.cells.nodes != nodes:
            self.grid.refine(nodes)
        self._keep_in_hull()
        spacing = self.grid.cells.spacing
        gap = nearest_surface(self.grid, self.rays, COARSE_TOLERANCE * spacing, COARSE_STEPS).gap
        close = gap < (NEAR_BETAS * beta + COARSE_CELLS) * spacing
        self.candidates = ((close | (self.rays.mask > SEEN)) & gap.isfinite()).nonzero().flatten().int()
        if not len(self.candidates):
            raise BadInput("No ray of the views meets the box that the fit works in; check cameras and bounds.")

    def _picked(self, index: int) -> Tensor:
        """The rays of round `index` of a level: the candidates in a shuffled order, one portion after the other."""
        generator = torch.Generator().manual_seed(self.seed % 2**32 * 100_003 + self.done - index)
        order = self.candidates[torch.randperm(len(self.candidates), generator=generator)].long()
        count = min(self.settings.rays, len(order))
        return order[(index * count + torch.arange(count)) % len(order)]

    def _keep_in_hull(self) -> None:
        self.grid.write_back()
        self.grid.raise_to(self.limit.least(self.grid.cells))

    def preview(self) -> Tensor:
        """A quick picture [3,H,W] of the surface as the first camera sees it."""
        return quick_picture(self.grid, self.views.cameras[0])

    def state(self) -> dict:
        """The state after a round."""
        return {"done": self.done, "loss": self.loss, "candidates": self.candidates, "grid": self.grid.state()}

    def load_state(self, state: dict) -> None:
        """Go back to a `state`."""
        candidates = state["candidates"]
        check_shape("candidates", candidates, "rays")
        if len(candidates) and not 0 <= int(candidates.min()) <= int(candidates.max()) < len(self.rays):
            raise ValueError("its rays are none of the views'")
        grid = self.grid.loaded(state["grid"], self.settings.rates)
        self.grid, self.done, self.loss, self.candidates = grid, state["done"], float(state["loss"]), candidates
