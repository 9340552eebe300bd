"""VolSDF's sampler: its theorem holds, its samples lie where the surface is. Published figures: test_volsdf_parity."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.render.error_bounded import ErrorBoundedSampler, inverse_cumulative, least_distance
from recon_lib.render.volume import interval_weights, laplace_density, rectangle_depths

EYE = torch.tensor([[0.0, 0.0, -2.0]])
FORWARD = torch.tensor([[0.0, 0.0, 1.0]])


def sphere(points: torch.Tensor) -> torch.Tensor:
    return points.norm(dim=-1) - 0.6


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1))
def test_the_least_distance_is_one_that_no_surface_can_undercut(first, second, length):
    """Every plane at the given distances of both ends keeps at least that distance from the interval."""
    if abs(first - second) > length:  # no distance function is so steep
        return
    found = float(least_distance(torch.tensor([[length]]), torch.tensor([[first]]), torch.tensor([[second]])))
    assert found <= min(abs(first), abs(second)) + 1e-4
    if first * second <= 0:
        assert found == 0
    else:  # two points, each as far from its end as told, on the interval's side, are the worst surface
        b, c = abs(first), abs(second)
        x = (length**2 + b**2 - c**2) / (2 * length)
        height = math.sqrt(max(b**2 - x**2, 0)) if 0 <= x <= length else (b if x < 0 else c)
        assert found == pytest.approx(height, abs=2e-3)


def test_samples_are_ascending_between_the_ends():
    directions = F.normalize(torch.tensor([[0.0, 0, 1], [0.2, 0.1, 1], [1.0, 0, 0]]), dim=-1)
    t = ErrorBoundedSampler()(EYE.expand(3, 3), directions, sphere, torch.tensor(0.1), 6.0)
    assert t.shape == (3, 98)
    assert (t.diff(dim=-1) >= 0).all()
    assert (t[:, 0] == 0).all() and (t[:, -1] == 6).all()


def test_the_opacity_keeps_its_error_bound():
    """With the samples' own rectangle sum against a very fine one, everywhere along the ray."""
    beta = torch.tensor(0.02)
    t = ErrorBoundedSampler()(EYE, FORWARD, sphere, beta, 6.0)
    coarse, _ = interval_weights(rectangle_depths(sphere(EYE[:, None] + t[..., None] * FORWARD[:, None]), t, beta))
    fine_t = torch.linspace(0, 6, 200_001)[None]
    density = laplace_density(sphere(EYE[:, None] + fine_t[..., None] * FORWARD[:, None]), beta)
    fine = 1 - torch.exp(-torch.cumulative_trapezoid(density, fine_t))
    found = coarse.cumsum(-1)[0, :-2]  # the last interval is endless
    place = (t[0, 1:-1] / 6 * 200_000).long().clamp(1, 200_000) - 1
    assert (found - fine[0, place]).abs().max() < 0.1


def test_samples_gather_at_the_surface():
    t = ErrorBoundedSampler()(EYE, FORWARD, sphere, torch.tensor(0.01), 6.0)
    near = ((t - 1.4).abs() < 0.1).float().mean()
    assert near > 0.6  # uniform samples would put 3 % there


def test_training_samples_are_drawn_by_the_generator_alone():
    def draw(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return ErrorBoundedSampler()(EYE, FORWARD, sphere, torch.tensor(0.1), 6.0, generator)

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_drawn_places_follow_the_weights():
    t = torch.tensor([[0.0, 1.0, 3.0]])
    places = inverse_cumulative(t, torch.tensor([[1.0, 3.0]]), 4001, None)
    assert (places < 1).float().mean() == pytest.approx(0.25, abs=1e-3)
    within = places[places > 1]
    assert within.mean() == pytest.approx(2.0, abs=1e-3)


def test_rays_without_any_weight_get_finite_places():
    places = inverse_cumulative(torch.tensor([[0.0, 1.0, 2.0]]), torch.zeros(1, 2), 8, None)
    assert torch.isfinite(places).all()
    assert (places >= 0).all() and (places <= 2).all()
