"""A step of the VolSDF fit: samples are laid near the surface, rendered, and learned from."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....fields.grid_reading import Reading, read_with_slopes
from ....render.near_surface import Nearest, nearest_surface, surface_samples
from ....render.volume import composite_rays, linear_depths, sample_weights
from ..losses import RenderedRays, fit_losses, smoothness_loss
from ..rays import Rays
from .grid import FittedGrid
from .settings import FitSettings

STEPS = 24  # of the tracing
TOLERANCE = 0.1  # spacings
NEAR_BETAS, NEAR_CELLS = 4.0, 1.0  # rays that stay further from the surface do not see its density
SEEN = 0.02  # mask from which a ray counts, wherever the surface is
FEWEST_BATCHES = 6  # a round with few rays takes smaller steps
FAINT = 1e-4  # opacity below which a ray shows less colour than it should
EDGE = 0.25  # spacings over which a silhouette falls off
SMOOTHED = 8  # one of so many nodes is smoothed in each step


@dataclass(frozen=True)
class Batch:
    """R rays with S samples each, and what these read of the grid."""

    rays: Rays
    t: Tensor  # [R,S]
    rows: Tensor  # [R*S,8] int32
    weights: Tensor  # [R*S,4,8] of the distance and its slopes
    features: Reading  # at the R*C samples whose colour is asked


def trace(grid: FittedGrid, rays: Rays, tolerance: float = TOLERANCE, steps: int = STEPS) -> Nearest:
    """Where rays meet the surface, or come nearest to it. tolerance: spacings."""
    whole = grid.whole.view((grid.cells.nodes,) * 3)
    return nearest_surface(
        lambda p: grid.cells.read(whole, p), rays.origins, rays.directions, grid.cells.bounds,
        tolerance * grid.cells.spacing, steps,
    )  # fmt: skip


def sample_rays(grid: FittedGrid, rays: Rays, settings: FitSettings, generator: torch.Generator) -> Iterator[Batch]:
    """Trace rays to the surface as it is now, and lay the samples of those that can see it."""
    found = trace(grid, rays)
    near = found.gap < NEAR_BETAS * grid.beta + NEAR_CELLS * grid.cells.spacing
    kept = ((near | (rays.mask > SEEN)) & found.gap.isfinite()).nonzero().flatten()
    rays, found = rays[kept], Nearest(found.t[kept], found.gap[kept], found.hit[kept])
    whole = grid.whole.view((grid.cells.nodes,) * 3)
    t = surface_samples(
        lambda p: grid.cells.read(whole, p), rays.origins, rays.directions, found, grid.beta, settings.samples,
        grid.cells.spacing, generator,
    )  # fmt: skip
    points = rays.origins[:, None] + t[..., None] * rays.directions[:, None]
    nodes, fraction = grid.cells.locate(points.view(-1, 3))
    grid.touch(nodes.view(-1), settings.rates)
    rows = grid.rows[nodes.view(-1)].view(len(rays), -1, 8)
    fraction = fraction.view(len(rays), -1, 3)
    size = max(1, min(settings.batch, -(-len(rays) // FEWEST_BATCHES)))
    first, end = settings.colored
    for part in torch.arange(len(rays)).split(size):
        weights = grid.cells.weights_and_slopes(fraction[part].view(-1, 3))
        shares = weights.view(len(part), -1, 4, 8)[:, first:end, 0].reshape(-1, 8)
        features = Reading.of(rows[part, first:end].reshape(-1, 8), shares, len(grid))
        yield Batch(rays[part], t[part], rows[part].view(-1, 8), weights, features)


def render_batch(grid: FittedGrid, batch: Batch, settings: FitSettings) -> RenderedRays:
    """Render a batch, differentiably.

    Along a ray that grazes the surface VolSDF's density adds up to a half some three betas outside of it. Were outlines
    made of that opacity, as colours over a background also would, everything would be fitted too thin by it. So they
    are made of the least distance on the ray, as in IDR, and the pictures' masks blend what is behind.
    """
    rays, (first, end) = batch.rays, settings.colored
    read = read_with_slopes(grid.distance, batch.rows, batch.weights).view(*batch.t.shape, 4)
    distance, slope = read[..., 0], read[..., 1:]
    weights, _ = sample_weights(linear_depths(distance, batch.t, grid.log_beta.exp()))
    weights = _gathered(weights, first, end)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(FAINT)
    normals = F.normalize(slope[:, first:end], dim=-1)
    toward = rays.directions[:, None].expand_as(normals)
    # shading is learned from the shape, not the shape from shading: lamps are not known
    colors = grid.module(batch.features(grid.features), normals.detach().reshape(-1, 3), toward.reshape(-1, 3))
    color = composite_rays(weights * rays.mask[:, None], colors.view_as(normals), 1 - rays.mask, rays.behind)
    mean = (weights * batch.t[:, first:end]).sum(-1)
    silhouette = -distance.amin(-1) / (EDGE * grid.cells.spacing)
    return RenderedRays(color, silhouette, mean, (weights[..., None] * normals).sum(1), slope.reshape(-1, 3))


def train_step(grid: FittedGrid, batch: Batch, views: int, settings: FitSettings, generator: torch.Generator) -> float:
    """One step of the optimiser. -> the loss"""
    loss = fit_losses(render_batch(grid, batch, settings), batch.rays, views, settings.weights)
    if settings.weights.smooth > 0 and len(grid.inner):
        count = len(grid.inner) // SMOOTHED + 1
        begin = int(torch.randint(len(grid.inner) - count + 1, (1,), generator=generator))
        nodes = grid.inner[begin : begin + count]
        around = grid.distance.index_select(0, grid.neighbours[nodes].view(-1)).view(-1, 6)
        bend = smoothness_loss(grid.distance.index_select(0, nodes), around, grid.cells.spacing)
        loss = loss + settings.weights.smooth * bend
    grid.optimizer.zero_grad()
    loss.backward()
    grid.optimizer.step()
    return float(loss.detach())


def _gathered(weights: Tensor, first: int, end: int) -> Tensor:
    """The weights [R,S] of the samples from `first` up to `end`, with those beside them added to the outermost ones."""
    inner = weights[:, first:end]
    before, behind = weights[:, :first].sum(-1, keepdim=True), weights[:, end:].sum(-1, keepdim=True)
    return torch.cat([inner[:, :1] + before, inner[:, 1:-1], inner[:, -1:] + behind], -1)
