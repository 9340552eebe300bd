"""Optical depths and weights against closed forms and fine sums."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.errors import BadInput
from recon_lib.networks.volsdf.density import laplace_density
from recon_lib.render.volume import composite_rays, interval_weights, linear_depths, merge_weights, sample_weights


@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=6),
    st.floats(0.05, 2.0),
)
def test_linear_depths_are_exact_between_samples(distances, beta):
    """Against ten thousand rectangles of the same piecewise linear distance."""
    d = torch.tensor([distances], dtype=torch.float64)
    t = torch.linspace(1, 3, len(distances), dtype=torch.float64)[None]
    depths = linear_depths(d, t, beta)[:, :-1]
    fraction = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    between = d[:, :-1, None] + (d[:, 1:] - d[:, :-1])[..., None] * fraction
    expected = laplace_density(between, beta).mean(-1) * (t[:, 1:] - t[:, :-1])
    assert torch.allclose(depths, expected, rtol=1e-4, atol=1e-7)


def test_linear_depths_have_finite_gradients_where_the_distance_is_flat():
    d = torch.tensor([[0.3, 0.3, 0.3 + 1e-9, -0.5]], requires_grad=True)
    linear_depths(d, torch.tensor([[0.0, 1, 2, 3]]), 0.1).sum().backward()
    assert torch.isfinite(d.grad).all()


def test_beyond_the_last_sample_only_the_inside_is_opaque():
    t = torch.tensor([[0.0, 1.0]]).expand(2, 2)
    d = torch.tensor([[0.5, -0.5], [0.5, 0.5]])
    last = linear_depths(d, t, 0.05)[:, -1]
    assert last[0] > 30
    assert last[1] == 0


@given(st.lists(st.floats(0, 20), min_size=2, max_size=12))
def test_weights_and_transmittance_add_up_to_one(depths):
    depths = torch.tensor([depths], dtype=torch.float64)
    for weigh in (interval_weights, sample_weights):
        weights, passed = weigh(depths)
        assert (weights >= 0).all()
        assert torch.allclose(weights.sum(-1) + passed, torch.ones(1, dtype=torch.float64))
        assert torch.allclose(passed, torch.exp(-depths.sum(-1)))


def test_a_constant_density_absorbs_exponentially():
    weights, _ = interval_weights(torch.full((1, 5), 0.3))
    assert torch.allclose(weights[0], torch.exp(-0.3 * torch.arange(5)) * (1 - math.exp(-0.3)))


def test_sample_weights_halve_each_interval():
    weights, _ = interval_weights(torch.tensor([[1.0, 2.0, 3.0]]))
    a, b, c = weights[0]
    halved, _ = sample_weights(torch.tensor([[1.0, 2.0, 3.0]]))
    assert torch.allclose(halved[0], torch.stack([a / 2, a / 2 + b / 2, b / 2 + c]))


def test_a_sharp_surface_is_seen_where_it_is():
    """The mean distance of a ray that meets a plane tends to the plane as the density narrows."""
    t = torch.linspace(0, 2, 400)[None]
    errors = []
    for beta in (0.05, 0.01, 0.005):
        weights, passed = sample_weights(linear_depths(1 - t, t, beta))
        errors.append(abs(float((weights * t).sum()) - 1))
        assert passed.item() < 1e-6
    assert errors[0] > errors[1] > errors[2]
    assert errors[-1] < 0.005


def test_weights_beside_the_shaded_samples_are_not_lost():
    weights = torch.rand(5, 8)
    inner = merge_weights(weights, 1, 7)
    assert inner.shape == (5, 6)
    assert torch.allclose(inner.sum(-1), weights.sum(-1))
    assert torch.equal(inner[:, 1:-1], weights[:, 2:6])


def test_what_passes_shows_the_background():
    weights, values = torch.tensor([[0.25, 0.5]]), torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    color = composite_rays(weights, values, torch.tensor([0.25]), torch.tensor([[0.0, 0, 1]]))
    assert torch.allclose(color, torch.tensor([[0.25, 0.5, 0.25]]))


def test_depths_of_another_shape_are_reported():
    with pytest.raises(BadInput, match="optical depths"):
        interval_weights(torch.zeros(3))
