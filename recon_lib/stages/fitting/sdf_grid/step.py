"""A step of the VolSDF fit: samples are laid near the surface, rendered, and the grid is trained on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ....fields.grid_reading import Reading, read_with_slopes
from ....render.near_surface import NearSurfaceSampler
from ....render.rays import RaySamples, RenderedRays, SampleRadiance, composite
from ....render.volume import linear_depths, sample_weights
from ..losses import fit_losses, smoothness_loss
from ..rays import PixelRays
from .grid import FittedGrid
from .settings import FitSettings

NEAR_BETAS, NEAR_CELLS = 4.0, 1.0  # rays that stay further from the surface do not see its density
SEEN = 0.02  # mask from which a ray counts, wherever the surface is
FEWEST_BATCHES = 6  # a round with few rays takes smaller steps
EDGE = 0.25  # spacings over which a silhouette falls off
SMOOTHED = 8  # one of so many nodes is smoothed in each step


@dataclass(frozen=True)
class Batch:
    """R rays with S samples each, and how these read the grid: laid out once, rendered in several steps."""

    rays: PixelRays
    samples: RaySamples
    rows: Tensor  # [R*S,8] int32
    weights: Tensor  # [R*S,4,8] of the distance and its gradient
    features: Reading  # at the R*C samples that are shaded


class RenderedBatch(NamedTuple):
    """What the grid shows on R rays."""

    rendered: RenderedRays
    silhouette: Tensor  # [R] logit of the object's fraction of the pixel
    gradient: Tensor  # [R*S,3] of the signed distance, at all samples


def sample_rays(
    grid: FittedGrid, rays: PixelRays, settings: FitSettings, generator: torch.Generator
) -> Iterator[Batch]:
    """Trace rays to the surface as it is now, and lay the samples of those that can see it."""
    sampler = NearSurfaceSampler(grid.cells.spacing, settings.samples)
    nearest = sampler.trace(grid, rays)
    close = nearest.gap < NEAR_BETAS * grid.beta + NEAR_CELLS * grid.cells.spacing
    used = ((close | (rays.mask > SEEN)) & nearest.gap.isfinite()).nonzero().flatten()
    rays = rays[used]
    samples = sampler.around(grid, rays, nearest[used], generator)
    nodes, fraction = grid.cells.locate(rays.at(samples.t).view(-1, 3))
    grid.touch(nodes.view(-1), settings.rates)
    rows = grid.rows[nodes.view(-1)].view(len(rays), -1, 8)
    fraction = fraction.view(len(rays), -1, 3)
    size = max(1, min(settings.batch, -(-len(rays) // FEWEST_BATCHES)))
    shaded = slice(*settings.colored)
    for part in torch.arange(len(rays)).split(size):
        weights = grid.cells.weights_and_slopes(fraction[part].view(-1, 3))
        shaded_weights = weights.view(len(part), -1, 4, 8)[:, shaded, 0].reshape(-1, 8)
        features = Reading.of(rows[part, shaded].reshape(-1, 8), shaded_weights, len(grid))
        yield Batch(rays[part], samples[part], rows[part].view(-1, 8), weights, features)


def render_batch(grid: FittedGrid, batch: Batch, settings: FitSettings) -> RenderedBatch:
    """Render a batch, differentiably.

    Along a ray that grazes the surface VolSDF's density adds up to a half some three betas outside of it. Were outlines
    made of that opacity, as colours over a background also would, everything would be fitted too thin by it. So they
    are made of the least distance on the ray, as in IDR, and the pictures' masks are the opacity.
    """
    rays, t, shaded = batch.rays, batch.samples.t, slice(*settings.colored)
    values = read_with_slopes(grid.distance, batch.rows, batch.weights).view(*t.shape, 4)
    distance, gradient = values[..., 0], values[..., 1:]
    weights, passed = sample_weights(linear_depths(distance, t, grid.log_beta.exp()))
    normals = F.normalize(gradient[:, shaded], dim=-1)
    directions = rays.directions[:, None].expand_as(normals)
    # shading is learned from the shape, not the shape from shading: lamps are not known
    colors = grid.module(batch.features(grid.features), normals.detach().reshape(-1, 3), directions.reshape(-1, 3))
    radiance = SampleRadiance(weights, passed, colors.view_as(normals), normals, settings.colored)
    rendered = composite(radiance, batch.samples, rays.background, opacity=rays.mask)
    silhouette = -distance.amin(-1) / (EDGE * grid.cells.spacing)
    return RenderedBatch(rendered, silhouette, gradient.reshape(-1, 3))


def train_step(grid: FittedGrid, batch: Batch, views: int, settings: FitSettings, generator: torch.Generator) -> float:
    """One step of the optimiser. -> the loss"""
    loss = fit_losses(*render_batch(grid, batch, settings), batch.rays, views, settings.weights)
    smooth = settings.weights.smooth if grid.shape is None else settings.weights.keep
    if smooth > 0 and len(grid.inner):
        count = len(grid.inner) // SMOOTHED + 1
        begin = int(torch.randint(len(grid.inner) - count + 1, (1,), generator=generator))
        nodes = grid.inner[begin : begin + count]
        values = grid.bending()
        neighbours = values.index_select(0, grid.neighbours[nodes].view(-1)).view(-1, 6)
        bend = smoothness_loss(values.index_select(0, nodes), neighbours, grid.cells.spacing)
        loss = loss + smooth * bend
    grid.optimizer.zero_grad()
    loss.backward()
    grid.optimizer.step()
    return float(loss.detach())
