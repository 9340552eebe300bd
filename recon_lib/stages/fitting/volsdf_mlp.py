"""VolSDF as published: eight-layer perceptron, error-bounded sampling, 98 samples a ray (Yariv et al. 2021).

The reference for `fit_volsdf`. A step takes seconds on a CPU and a run a hundred thousand steps, so it is for GPUs and
for comparisons. Losses and schedule are the paper's: L1 of the colour, eikonal times 0.1, pixels of one picture a step,
Adam from 5e-4 down to a tenth.
"""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ...fields.perceptron import PerceptronField
from ...memory import explain_oom
from ...networks.volsdf.perceptron import VolSDF, VolSDFConfig
from ...progress import Progress
from ...render.error_bounded import ErrorBoundedSampler
from ...render.rays import render_rays
from ...views.views import Views
from .checkpoint import Checkpoint, check_moments, fingerprint, seeded
from .loop import all_steps
from .losses import color_loss, eikonal_loss
from .rays import PixelRays, check_views
from .sdf_grid.settings import Trust
from .sdf_grid.start import find_bounds, view_center

log = logging.getLogger("recon3d")
TITLE = "Fit VolSDF (perceptron)"
CAMERA_ROOM = 1.1  # cameras lie within the scene's radius divided by this


@dataclass(frozen=True)
class MlpSettings:
    """The paper's numbers."""

    steps: int = 100_000
    rays: int = 1024  # of one picture, a step
    rate: float = 5e-4
    decay: float = 0.1  # of the rate, over the run
    eikonal: float = 0.1
    network: VolSDFConfig = field(default_factory=VolSDFConfig)
    sampler: ErrorBoundedSampler = field(default_factory=ErrorBoundedSampler)
    trust: Trust = field(default_factory=Trust)


@dataclass(frozen=True)
class MlpFit:
    """A fitted perceptron and statistics of the fit."""

    field: PerceptronField
    seconds: float
    steps: int
    resumed: int  # steps that a checkpoint had done already


@explain_oom("fitting the perceptron", "take fewer rays a step")
def fit_volsdf_mlp(
    views: Views,
    *,
    bounds: Tensor | None = None,
    settings: MlpSettings | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> MlpFit:
    """Fit VolSDF's perceptrons to `views`, whose masks mark the object and its background.

    bounds: [2,3] world, of the resulting field; default: those of the masks' visual hull. checkpoint: as in
    `fit_volsdf`. Raises `BadInput` for missing or whole masks, NaN, and cameras without a common point.
    """
    check_views(views)
    progress, settings = progress or Progress(), settings or MlpSettings()
    run = PerceptronRun(views, bounds, settings, seed, device, progress)
    return run.run(None if checkpoint is None else Checkpoint(checkpoint, fingerprint(*run.inputs)))


class PerceptronRun:
    """One fit: its inputs and its state. `advance` does one step."""

    def __init__(
        self,
        views: Views,
        bounds: Tensor | None,
        settings: MlpSettings,
        seed: int,
        device: torch.device | str,
        progress: Progress,
    ) -> None:
        self.settings, self.seed, self.progress, self.device = settings, seed, progress, torch.device(device)
        self.rays = PixelRays.of(views, settings.trust, progress.check).to(self.device)
        self.pixels = views.cameras.height * views.cameras.width
        self.views = len(views)
        center, _ = view_center(views)
        farthest = float((views.cameras.position - center).norm(dim=-1).max())
        radius = settings.network.scene_radius
        self.center, self.scale = center, radius / (CAMERA_ROOM * farthest)
        self.bounds = find_bounds(views) if bounds is None else bounds
        with seeded(seed):
            self.network = VolSDF(settings.network).to(self.device)
        # rays are rendered in the network's own frame
        scene = torch.tensor([[-radius] * 3, [radius] * 3])
        self.own_field = PerceptronField(self.network, torch.zeros(3), 1.0, scene)
        self.sampler = replace(settings.sampler, far=2 * radius)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=settings.rate)
        self.done = 0
        cameras = views.cameras
        self.inputs = (views.images, views.masks, cameras.camera_to_world, cameras.intrinsics, repr((settings, seed)))

    def run(self, checkpoint: Checkpoint | None = None) -> MlpFit:
        """All steps, from where a checkpoint stands."""
        field, stats = all_steps(self, TITLE, self.settings.steps, checkpoint, self.field)
        return MlpFit(field, stats.seconds, self.settings.steps, stats.resumed)

    @torch.enable_grad()  # hosts work without gradients
    def advance(self) -> float:
        """One step. -> the loss"""
        s = self.settings
        generator = torch.Generator().manual_seed(self.seed % 2**32 * 1_000_003 + self.done)
        view = int(torch.randint(self.views, (1,), generator=generator))
        pixel = torch.randint(self.pixels, (s.rays,), generator=generator)
        rays = self.rays[(view * self.pixels + pixel).to(self.device)]
        rays = replace(rays, origins=(rays.origins - self.center.to(self.device)) * self.scale)
        for group in self.optimizer.param_groups:
            group["lr"] = s.rate * s.decay ** (self.done / s.steps)
        rendered = render_rays(self.own_field, self.sampler, rays, rays.background, generator)
        loss = color_loss(rendered.color, rays) + s.eikonal * eikonal_loss(self._eikonal_slopes(rays, rendered.t))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.done += 1
        return float(loss.detach())

    def _eikonal_slopes(self, rays: PixelRays, t: Tensor) -> Tensor:
        """Gradients at as many points as rays, at random in the scene's cube, and at one sample of each ray."""
        generator = torch.Generator().manual_seed(self.seed % 2**32 * 1_000_003 + self.done + 1)
        radius = self.settings.network.scene_radius
        anywhere = (torch.rand(len(t), 3, generator=generator) * 2 - 1).to(t) * radius
        chosen = torch.randint(t.shape[1], (len(t), 1), generator=generator).to(t.device)
        on_rays = rays.at(t.gather(1, chosen))[:, 0]
        return self.network.free_slope(torch.cat([anywhere, on_rays]))

    def field(self) -> PerceptronField:
        """The perceptron as it is now, on the CPU."""
        with seeded(self.seed):
            network = VolSDF(self.settings.network)
        network.load_state_dict({key: value.cpu() for key, value in self.network.state_dict().items()})
        return PerceptronField(network.eval().requires_grad_(False), self.center, self.scale, self.bounds)

    def preview(self) -> None:
        """None: a picture would take longer than many steps."""

    def state(self) -> dict:
        """The state after a step."""
        return {
            "done": self.done,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict()["state"],
        }

    def load_state(self, state: dict) -> None:
        """Go back to a `state`."""
        with seeded(self.seed):
            network = VolSDF(self.settings.network)
        network.load_state_dict(state["network"])
        moments = state["optimizer"]
        check_moments(moments, list(network.parameters()))
        self.network.load_state_dict(state["network"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.done = state["done"]
