"""One step of the fit, on a grid that knows the ball exactly: what it traces, samples and renders has closed forms."""

from dataclasses import replace

import pytest
import torch

from recon_lib.fields.cells import Cells
from recon_lib.networks.volsdf.grid_color import GridColor
from recon_lib.render.near_surface import Nearest, NearSurfaceSampler
from recon_lib.stages.fitting.losses import fit_losses
from recon_lib.stages.fitting.rays import PixelRays
from recon_lib.stages.fitting.sdf_grid.grid import FittedGrid
from recon_lib.stages.fitting.sdf_grid.settings import FitSettings, FitWeights, Trust
from recon_lib.stages.fitting.sdf_grid.start import ColorStart
from recon_lib.stages.fitting.sdf_grid.step import (
    EDGE,
    FEWEST_BATCHES,
    SEEN,
    render_batch,
    sample_rays,
    train_step,
)
from tests.helpers.posed import around, posed, sphere

RADIUS = 0.6
SETTINGS = FitSettings()
VIEWS = posed(sphere(RADIUS), around(2, 32))
RAYS = PixelRays.of(VIEWS, Trust())
AWAY = torch.linalg.cross(-RAYS.origins, RAYS.directions).norm(dim=-1)  # of each ray from the ball's centre
MIDDLE = (RAYS.origins.square().sum(-1) - AWAY.square()).sqrt()  # where it passes nearest
FRONT = MIDDLE - (RADIUS**2 - AWAY.square()).clamp_min(0).sqrt()  # where it meets the ball


def ball_grid(radius: float = RADIUS, nodes: int = 65, beta: float = 0.3) -> FittedGrid:
    """beta: spacings."""
    cells = Cells(torch.tensor([-0.8] * 3), 1.6, nodes)
    distance = (cells.positions().norm(dim=-1) - radius).view((nodes,) * 3)
    torch.manual_seed(0)
    return FittedGrid(cells, distance, ColorStart(sphere(radius), 6), GridColor(6, 8), beta * cells.spacing)


def batches(grid: FittedGrid, rays: PixelRays = RAYS, settings: FitSettings = SETTINGS, seed: int = 0) -> list:
    return list(sample_rays(grid, rays, settings, torch.Generator().manual_seed(seed)))


def trace(grid: FittedGrid) -> Nearest:
    return NearSurfaceSampler(grid.cells.spacing).trace(grid, RAYS)


@torch.no_grad()
def whole_loss(grid: FittedGrid) -> float:
    rendered = ((render_batch(grid, batch, SETTINGS), batch.rays) for batch in batches(grid))
    return sum(float(fit_losses(*r, rays, 2, SETTINGS.weights)) for r, rays in rendered)


def test_rays_are_traced_to_the_surface_or_past_it():
    grid = ball_grid()
    nearest, spacing = trace(grid), grid.cells.spacing
    sure = RADIUS - spacing > AWAY
    assert torch.equal(nearest.hit[sure], torch.ones_like(nearest.hit[sure]))
    assert (nearest.t - FRONT)[AWAY < 0.8 * RADIUS].abs().max() < 0.3 * spacing
    beside = (RADIUS + spacing < AWAY) & (AWAY < 0.75)
    assert not nearest.hit[beside].any()
    assert (nearest.gap - (AWAY - RADIUS))[beside].abs().max() < 0.5 * spacing


def test_samples_lie_on_either_side_of_the_surface_in_order():
    for batch in batches(ball_grid()):
        assert (batch.samples.t.diff(dim=-1) >= 0).all()
        points = batch.rays.at(batch.samples.t)
        away = points.norm(dim=-1)[torch.linalg.cross(-batch.rays.origins, batch.rays.directions).norm(dim=-1) < 0.55]
        assert (away[:, 0] > RADIUS).all() and (away[:, -1] < RADIUS).all()


def test_rays_that_cannot_see_the_density_are_left_out():
    grid = ball_grid()
    laid = sum(len(batch.rays) for batch in batches(grid))
    near = int((RADIUS + (4 * 0.3 + 1.5) * grid.cells.spacing > AWAY).sum())
    assert int((RAYS.mask > SEEN).sum()) <= laid <= near < len(RAYS)


def test_rays_of_the_mask_are_kept_where_the_surface_has_gone():
    """A ball that is too small must be able to grow into its mask."""
    grid = ball_grid(0.3)
    laid = sum(float((batch.rays.mask > SEEN).sum()) for batch in batches(grid))
    assert laid == float((RAYS.mask > SEEN).sum())


def test_a_round_of_few_rays_still_takes_several_steps():
    assert FEWEST_BATCHES <= len(batches(ball_grid())) <= FEWEST_BATCHES + 1
    small = batches(ball_grid(), settings=replace(SETTINGS, batch=50))
    assert max(len(batch.rays) for batch in small) == 50


def test_samples_are_at_random_and_come_back_with_the_seed():
    first, again, other = (batches(ball_grid(), seed=seed)[0].samples.t for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def front_of(rays: PixelRays) -> tuple[torch.Tensor, torch.Tensor]:
    """How far each ray passes from the centre [R], and where it meets the ball, if it does [R]."""
    away = torch.linalg.cross(-rays.origins, rays.directions).norm(dim=-1)
    middle = (rays.origins.square().sum(-1) - away.square()).sqrt()
    return away, middle - (RADIUS**2 - away.square()).clamp_min(0).sqrt()


def test_the_ball_is_shown_as_it_is():
    """Away from the outline: at its distance, with its normals and colours."""
    grid = ball_grid(beta=0.15)
    for batch in batches(grid):
        away, front = front_of(batch.rays)
        points = batch.rays.origins + front[:, None] * batch.rays.directions
        (rendered, silhouette, gradient), sure = render_batch(grid, batch, SETTINGS), away < 0.9 * RADIUS
        assert (silhouette[sure] > 0).all()
        assert (rendered.distance - front)[sure].abs().max() < grid.cells.spacing / 2
        assert (rendered.normal * points / RADIUS).sum(-1)[sure].min() > 0.95
        assert (rendered.color - sphere().color(points))[sure].abs().max() < 0.05
        assert torch.equal(rendered.opacity, batch.rays.mask)
        assert (gradient.norm(dim=-1) - 1).abs().median() < 0.02


@pytest.mark.parametrize("beta", [0.1, 0.4, 0.9])
def test_the_silhouette_is_the_balls_whatever_the_densitys_width(beta):
    """The logit changes its sign where rays graze the ball; one by opacity would three betas further out."""
    grid = ball_grid(beta=beta)
    for batch in batches(grid):
        past = (front_of(batch.rays)[0] - RADIUS) / grid.cells.spacing
        silhouette = render_batch(grid, batch, SETTINGS).silhouette
        assert (silhouette[past < -0.25] > 0).all() and (silhouette[past > 0.25] < 0).all()
        missed = (past > 0.25) & (past < 0.4 / grid.cells.spacing)
        expected = -past / EDGE
        assert (silhouette - expected)[missed].abs().max() < 0.5 * expected[missed].abs().max() + 0.5


def test_soft_pixels_are_blended_with_the_background_by_the_mask():
    grid = ball_grid()
    batch = batches(grid)[2]
    black = replace(batch.rays, background=torch.zeros_like(batch.rays.background))
    solid = replace(black, mask=torch.ones_like(black.mask))
    half = replace(batch.rays, mask=torch.full_like(black.mask, 0.5), background=torch.ones_like(black.background))

    def color(rays: PixelRays) -> torch.Tensor:
        return render_batch(grid, replace(batch, rays=rays), SETTINGS).rendered.color

    assert torch.allclose(color(half), color(solid) / 2 + 0.5, atol=1e-6)
    assert torch.allclose(color(black), color(solid) * black.mask[:, None], atol=1e-6)


def test_gradients_of_the_distance_are_those_of_differences():
    """Of everything that is shown, by a step of one node's distance up and down."""
    grid, settings = ball_grid(nodes=17, beta=0.5), replace(SETTINGS, weights=FitWeights(depth=0.0, normal=0.3))
    batch = batches(grid)[3]

    def loss() -> torch.Tensor:
        return fit_losses(*render_batch(grid, batch, settings), batch.rays, 2, settings.weights)

    (gradient,) = torch.autograd.grad(loss(), grid.distance)
    for row in gradient.abs().topk(3).indices:
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                grid.distance[row] += sign * 2e-4
                ends.append(float(loss()))
                grid.distance[row] -= sign * 2e-4
        assert float(gradient[row]) == pytest.approx((ends[0] - ends[1]) / 4e-4, rel=0.05)


@pytest.mark.parametrize("radius", [0.52, 0.68])
def test_learning_brings_a_wrong_ball_into_its_outline(radius):
    grid = ball_grid(radius, nodes=33, beta=0.9)

    def wrong() -> float:
        return float((trace(grid).hit != (RAYS.mask > 0.5)).float().mean())

    first, loss, generator = wrong(), whole_loss(grid), torch.Generator().manual_seed(0)
    for _ in range(4):
        for batch in batches(grid):
            train_step(grid, batch, 2, SETTINGS, generator)
        grid.write_back()
    assert whole_loss(grid) < 0.7 * loss
    assert wrong() < 0.65 * first


def test_shading_teaches_no_shape():
    """A decoder that sees nothing but normals: the colour of a ray deep in the ball has no gradient for the shape.

    Lamps are not known, so normals are learned from outlines and from what moves, not from light.
    """
    grid = ball_grid()
    batch = batches(grid)[2]
    with torch.no_grad():
        grid.features.zero_()
        grid.module.inner.weight.zero_()
        grid.module.inner.weight[:, 6:9] = 1.0
        grid.module.outer.weight.fill_(0.3)
    color = render_batch(grid, batch, SETTINGS).rendered.color
    deep = (front_of(batch.rays)[0] < 0.9 * RADIUS).nonzero().flatten()
    assert color[deep].std() > 0.01, "the decoder does see the normals"
    (gradient,) = torch.autograd.grad(color[deep].sum(), grid.distance)
    # what is left comes from the blending of neighbouring samples, whose colours differ a little
    assert gradient.abs().max() * grid.cells.spacing < 0.1
