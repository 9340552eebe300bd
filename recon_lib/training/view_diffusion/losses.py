"""Losses of the prior of views: the PixelNeRF's own colours (L_PixelNeRF of Wu et al. 2024), repairs, denoising."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...networks.view_diffusion.model import Condition, ViewDiffusion
from ...render.feature_map import FeatureMap, join_maps, render_feature_map
from ...views.views import Views
from .bad_renders import bad_render, carried_colors
from .dataset import Sample, views_of

TARGETS = 2  # views of a sample that are targets; the others are inputs
DROPPED = 0.1  # fraction of the targets whose conditions are zeroed, for classifier-free guidance
FROM_NOTHING = 0.15  # fraction of the repairs that are given the PixelNeRF's render
MAP_WEIGHT, OPACITY_WEIGHT = 5.0, 1.0  # of the PixelNeRF's squared errors
EDGE_WEIGHT = 0.5  # of a repair's differences between neighbouring pixels, relative to its own
DENOISE_WEIGHT = 4.0  # of denoising's squared error


class ViewDiffusionLoss(nn.Module):
    """Network and losses as one module, so that parallel training sees one forward pass."""

    def __init__(self, network: ViewDiffusion) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Sample, seed: int, denoise: bool) -> dict[str, Tensor]:
        """Loss terms of B samples, whose first `TARGETS` views are targets.

        The targets are repaired; with `denoise` the last of each is denoised instead.
        """
        rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        count = len(batch["images"])
        targets = [views_of(batch, row, slice(TARGETS)) for row in range(count)]
        inputs = [views_of(batch, row, slice(TARGETS, None)) for row in range(count)]
        maps, condition = self._conditions(inputs, targets, generator)
        kept = torch.rand(len(condition.map), generator=generator) >= DROPPED
        condition = condition.kept(kept.to(condition.map.device))
        clean = torch.cat([views.images for views in targets]) * 2 - 1
        alpha = torch.cat([views.masks for views in targets])
        repaired = torch.arange(len(clean)) % TARGETS < (TARGETS - 1 if denoise else TARGETS)
        terms = self._map_terms(maps, clean, alpha)
        bad = self._bad_renders(inputs, targets, maps, repaired, rng)
        terms |= self._repair_term(bad, clean[repaired], condition[repaired])
        if denoise:
            terms |= self._denoise_term(clean[~repaired], condition[~repaired], generator)
        return terms

    def _conditions(
        self, inputs: list[Views], targets: list[Views], generator: torch.Generator
    ) -> tuple[FeatureMap, Condition]:
        """Feature maps and conditions of all targets, one sample after the other."""
        network = self.network
        encoded = network.encode(Views.cat([replace(views, depth=None) for views in inputs]))
        maps, tokens, at = [], [], 0
        for own_inputs, own_targets in zip(inputs, targets, strict=True):
            own = encoded[at : at + len(own_inputs)]
            at += len(own_inputs)
            for i in range(len(own_targets)):
                camera = own_targets.cameras[i]
                maps.append(render_feature_map(network, own, camera, generator))
                tokens.append(network.tokens(own, camera))
        joined = join_maps(maps)
        return joined, joined.condition(torch.stack(tokens))

    def _map_terms(self, maps: FeatureMap, clean: Tensor, alpha: Tensor) -> dict[str, Tensor]:
        side = maps.color.shape[-1]
        color, opacity = (F.adaptive_avg_pool2d(x, side) for x in ((clean + 1) / 2, alpha))
        return {
            "pixel_nerf": MAP_WEIGHT * F.mse_loss(maps.color, color),
            "opacity": OPACITY_WEIGHT * F.mse_loss(maps.opacity, opacity),
        }

    @torch.no_grad()
    def _bad_renders(
        self, inputs: list[Views], targets: list[Views], maps: FeatureMap, rows: Tensor, rng: np.random.Generator
    ) -> Tensor:
        """Bad renders [R,3,S,S] in -1..1 of the targets in `rows` [B*TARGETS] bool."""
        side, renders = self.network.config.side, []
        for row in rows.nonzero().flatten().tolist():
            target, own_inputs = targets[row // TARGETS][row % TARGETS], inputs[row // TARGETS]
            hull = F.interpolate(maps.color[row : row + 1], (side, side), mode="bilinear")
            if rng.random() < FROM_NOTHING:
                renders.append(hull)
                continue
            if rng.random() < 0.6:
                shape = maps.distance[row : row + 1], maps.opacity[row : row + 1]
                hull = carried_colors(own_inputs, target.cameras, *shape, rng)
            renders.append(bad_render(target, own_inputs, hull, rng))
        return torch.cat(renders) * 2 - 1

    def _repair_term(self, bad: Tensor, clean: Tensor, condition: Condition) -> dict[str, Tensor]:
        error = self.network.repair(bad, condition) - clean
        edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        return {"repair": error.abs().mean() + EDGE_WEIGHT * edges}

    def _denoise_term(self, clean: Tensor, condition: Condition, generator: torch.Generator) -> dict[str, Tensor]:
        t = torch.randint(self.network.config.train_steps, (len(clean),), generator=generator).to(clean.device)
        noise = torch.randn(clean.shape, generator=generator).to(clean.device)
        predicted = self.network.denoise(self.network.noised(clean, noise, t), t, condition)
        return {"denoise": DENOISE_WEIGHT * F.mse_loss(predicted, clean)}
