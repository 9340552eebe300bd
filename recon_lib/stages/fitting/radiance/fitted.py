"""A radiance grid while it is fitted: its parameters, their optimiser, and the sampler that follows it."""

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from ....cameras.camera import Cameras
from ....errors import BadInput
from ....fields.radiance import RadianceGrid
from ....render.cones import ConeBundle
from ....render.occupied import OccupiedSampler
from ....render.proposal import ProposalSampler
from ....render.rays import render_rays
from ..checkpoint import check_moments
from .rays import RadianceRays
from .settings import RadianceSettings

LOOKED_AT = 128  # nodes a side, at most, of the lattice that tells what is empty
CHUNK = 4096  # rays rendered at once
SEEN = 0.02  # mask from which a ray counts, wherever the field is


class FittedRadiance:
    """A field with gradients, and what trains it."""

    def __init__(self, field: RadianceGrid, views: int, settings: RadianceSettings) -> None:
        self.field, self.settings = field, settings
        self.exposure = nn.Parameter(torch.zeros(views, 3))  # logarithms of gains, up to their mean
        models = [part.module for part in (field, field.proposal) if part is not None]
        tables = [level.table for model in models for level in model.levels]
        decoder = list(field.module.decoder.parameters())
        self.optimizer = torch.optim.AdamW(
            [
                {"params": tables, "weight_decay": settings.shrink},
                {"params": decoder, "weight_decay": 0.0},
                {"params": [self.exposure], "weight_decay": 0.0},
            ],
            lr=settings.rate, betas=(0.9, 0.99), eps=1e-12, fused=True,
        )  # fmt: skip
        self.sampler = self._proposal_sampler() if field.frame.contracted else self._occupied_sampler(self._look())

    @property
    def parameters(self) -> list[Tensor]:
        """All that is trained, in the optimiser's order."""
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    # -- where rays are sampled -------------------------------------------------------------------------------

    @torch.no_grad()
    def _look(self) -> Tensor:
        """Densities [G,G,G] of the field as it is."""
        nodes = min(self.settings.levels[-1], LOOKED_AT)
        return self.field.module.log_density_grid(nodes).clamp_max(10).exp() / self.field.spacing

    def _occupied_sampler(self, density: Tensor) -> OccupiedSampler:
        return OccupiedSampler.of_density(density, self.field.bounds, self.settings.stride * self.field.spacing)

    def _proposal_sampler(self) -> ProposalSampler:
        if self.field.proposal is None:
            raise ValueError("a contracted scene needs a proposal")
        return ProposalSampler(self.field.proposal, *self.field.frame.ends)

    @torch.no_grad()
    def visible(self, rays: RadianceRays, check: Callable[[], None]) -> Tensor:
        """Numbers [N] of the rays that meet what may be there, or whose pixels show the object."""
        if isinstance(self.sampler, ProposalSampler):
            return torch.arange(len(rays))
        sampler, met = replace(self.sampler, step=2 * self.sampler.step), []  # whether, not where
        for begin in range(0, len(rays), 4 * CHUNK):
            check()
            met.append(sampler(self.field, rays[begin : begin + 4 * CHUNK]).length[:, 0] > 0)
        visible = (torch.cat(met) | (rays.mask > SEEN)).nonzero().flatten()
        if not bool(torch.cat(met).any()):
            raise BadInput("No ray of the views meets the box that the fit works in; check cameras and bounds.")
        return visible

    # -- steps ------------------------------------------------------------------------------------------------

    def prepare(self, step: int) -> None:
        """Set rates and levels for a step, and look now and then at what has become empty."""
        s = self.settings
        factor = s.decay ** (step / s.steps)
        for group, rate in zip(self.optimizer.param_groups, (s.rate, s.decoder_rate, s.exposure_rate), strict=True):
            group["lr"] = rate * factor
        levels = torch.arange(len(s.levels))
        done = 1.0 if s.opening <= 0 else min(step / (s.opening * s.steps), 1.0)
        self.field.module.opened.copy_((1 + done * (len(levels) - 1) - levels).clamp(0, 1))
        if isinstance(self.sampler, OccupiedSampler) and step and step % s.refresh == 0:
            self.sampler = self._occupied_sampler(self._look())

    def descend(self, loss: Tensor) -> None:
        """One step of the optimiser."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def exposed(self, color: Tensor, view: Tensor) -> Tensor:
        """Colours [R,3] with the gains of their views [R]; their mean gain is 1."""
        if not self.settings.exposure:
            return color
        return color * (self.exposure - self.exposure.mean(0)).exp()[view]

    def render(self, cameras: Cameras) -> Tensor:
        """Pictures [V,3,H,W] over white, differentiable."""
        rays = ConeBundle.of(cameras)
        parts = [
            render_rays(self.field, self.sampler, rays[begin : begin + CHUNK], 1.0).color
            for begin in range(0, len(rays), CHUNK)
        ]
        return torch.cat(parts).view(len(cameras), cameras.height, cameras.width, 3).permute(0, 3, 1, 2)

    # -- states -----------------------------------------------------------------------------------------------

    def result(self) -> RadianceGrid:
        """The field as it is now, for good."""

        def frozen(field: RadianceGrid) -> RadianceGrid:
            return replace(field, module=copy.deepcopy(field.module).eval().requires_grad_(False))

        field = frozen(self.field)
        return field if field.proposal is None else replace(field, proposal=frozen(field.proposal))

    def state(self) -> dict:
        """The state after a step."""
        density = self.sampler.density if isinstance(self.sampler, OccupiedSampler) else None
        return {
            "parameters": [p.detach() for p in self.parameters],
            "moments": self.optimizer.state_dict()["state"],
            "density": density,
        }

    def load_state(self, state: dict) -> None:
        """Go back to a `state`. Raises `ValueError` for one of another shape, before anything has changed."""
        values, density = state["parameters"], state["density"]
        own = self.sampler.density.shape if isinstance(self.sampler, OccupiedSampler) else None
        if [v.shape for v in values] != [p.shape for p in self.parameters]:
            raise ValueError("the parameters have another shape")
        if (None if density is None else density.shape) != own:
            raise ValueError("the densities have another shape")
        check_moments(state["moments"], self.parameters)
        with torch.no_grad():
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.copy_(value)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["moments"], "param_groups": groups})
        if density is not None:
            self.sampler = self._occupied_sampler(density)
