"""VolSDF's sampler: its theorem holds, its samples lie where the surface is. Published figures: test_parity."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.render.error_bounded import ErrorBoundedSampler, inverse_cumulative, least_distance
from recon_lib.render.rays import RayBundle, RaySamples
from recon_lib.render.volume import interval_weights
from tests.helpers.radiance import DistanceSolid

EYE = torch.tensor([[0.0, 0.0, -2.0]])
FORWARD = RayBundle(EYE, torch.tensor([[0.0, 0.0, 1.0]]))


def ball(beta: float) -> DistanceSolid:
    return DistanceSolid(lambda p: p.norm(dim=-1) - 0.6, beta)


def sampled(beta: float, rays: RayBundle = FORWARD, seed: int | None = None) -> torch.Tensor:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return ErrorBoundedSampler()(ball(beta), rays, generator).t


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1))
def test_the_least_distance_is_one_that_no_surface_can_undercut(first, second, length):
    """Every plane at the given distances of both ends keeps at least that distance from the interval."""
    if abs(first - second) > length:  # no distance function is so steep
        return
    least = float(least_distance(torch.tensor([[length]]), torch.tensor([[first]]), torch.tensor([[second]])))
    assert least <= min(abs(first), abs(second)) + 1e-4
    if first * second <= 0:
        assert least == 0
    else:  # two points, each as far from its end as stated, on the interval's side, are the worst surface
        b, c = abs(first), abs(second)
        x = (length**2 + b**2 - c**2) / (2 * length)
        height = math.sqrt(max(b**2 - x**2, 0)) if 0 <= x <= length else (b if x < 0 else c)
        assert least == pytest.approx(height, abs=2e-3)


def test_samples_are_ascending_between_the_ends():
    directions = F.normalize(torch.tensor([[0.0, 0, 1], [0.2, 0.1, 1], [1.0, 0, 0]]), dim=-1)
    t = sampled(0.1, RayBundle(EYE.expand(3, 3), directions))
    assert t.shape == (3, 98)
    assert (t.diff(dim=-1) >= 0).all()
    assert (t[:, 0] == 0).all() and (t[:, -1] == 6).all()


def test_the_opacity_keeps_its_error_bound():
    """With the samples' own rectangle sum against a very fine one, everywhere along the ray."""
    field = ball(0.02)
    t = sampled(0.02)
    coarse, _ = interval_weights(RaySamples.before_opaque(t).length * field.density(FORWARD.at(t)))
    fine_t = torch.linspace(0, 6, 200_001)[None]
    density = field.density(FORWARD.at(fine_t))
    fine = 1 - torch.exp(-torch.cumulative_trapezoid(density, fine_t))
    opacity = coarse.cumsum(-1)[0, :-2]  # the last interval is endless
    index = (t[0, 1:-1] / 6 * 200_000).long().clamp(1, 200_000) - 1
    assert (opacity - fine[0, index]).abs().max() < 0.1


def test_samples_gather_at_the_surface():
    close = ((sampled(0.01) - 1.4).abs() < 0.1).float().mean()
    assert close > 0.6  # uniform samples would put 3 % there


def test_training_samples_are_drawn_by_the_generator_alone():
    assert torch.equal(sampled(0.1, seed=1), sampled(0.1, seed=1))
    assert not torch.equal(sampled(0.1, seed=1), sampled(0.1, seed=2))


def test_drawn_distances_follow_the_weights():
    t = torch.tensor([[0.0, 1.0, 3.0]])
    places = inverse_cumulative(t, torch.tensor([[1.0, 3.0]]), 4001, None)
    assert (places < 1).float().mean() == pytest.approx(0.25, abs=1e-3)
    within = places[places > 1]
    assert within.mean() == pytest.approx(2.0, abs=1e-3)


def test_rays_without_any_weight_get_finite_samples():
    places = inverse_cumulative(torch.tensor([[0.0, 1.0, 2.0]]), torch.zeros(1, 2), 8, None)
    assert torch.isfinite(places).all()
    assert (places >= 0).all() and (places <= 2).all()
