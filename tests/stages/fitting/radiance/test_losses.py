import math

import pytest
import torch

from recon_lib.stages.fitting.radiance.losses import (
    charbonnier_loss,
    distortion_loss,
    interlevel_loss,
    occlusion_loss,
    opacity_loss,
    ranking_loss,
)


def test_charbonnier_is_weighted_by_trust():
    color = torch.tensor([[0.0, 0, 0], [0.5, 0.5, 0.5]])
    loss = charbonnier_loss(color, torch.zeros(2, 3), torch.tensor([1.0, 3.0]))
    assert loss.item() == pytest.approx((0.001 + 3 * math.hypot(0.5, 0.001)) / 4)


def test_opacity_loss():
    loss = opacity_loss(torch.tensor([0.5, 1.0]), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 1.0]))
    assert loss.item() == pytest.approx(0.125)


def test_distortion_is_the_double_sum():
    generator = torch.Generator().manual_seed(0)
    edges = torch.rand(4, 9, generator=generator).sort(-1)[0]
    middle, length = (edges[:, 1:] + edges[:, :-1]) / 2, edges[:, 1:] - edges[:, :-1]
    weights = torch.rand(4, 8, generator=generator)
    apart = (middle[:, :, None] - middle[:, None]).abs()
    pairs = (weights[:, :, None] * weights[:, None] * apart).sum((1, 2))
    expected = (pairs + (weights.square() * length).sum(-1) / 3).mean()
    torch.testing.assert_close(distortion_loss(weights, middle, length), expected)


def test_distortion_ignores_padding():
    middle, length, weights = torch.tensor([[0.2, 0.6]]), torch.tensor([[0.1, 0.1]]), torch.tensor([[0.3, 0.4]])
    padded = (torch.cat([x, torch.full((1, 2), fill)], -1) for x, fill in ((weights, 0), (middle, 0.6), (length, 0)))
    torch.testing.assert_close(distortion_loss(*padded), distortion_loss(weights, middle, length))


def test_interlevel_is_the_excess_over_overlapping_intervals():
    coarse = torch.tensor([[0.0, 0.5, 1.0]])
    proposed = torch.tensor([[0.2, 0.7]], requires_grad=True)
    edges = torch.tensor([[0.1, 0.4, 0.6, 0.9]])
    weights = torch.tensor([[0.3, 0.5, 0.1]])  # bounds: 0.2, 0.2 + 0.7, 0.7
    loss = interlevel_loss(edges, weights, coarse, proposed)
    assert loss.item() == pytest.approx(0.1**2 / 0.3, rel=1e-4)
    loss.backward()
    assert proposed.grad[0, 0] < 0 and proposed.grad[0, 1] == 0


def test_interlevel_is_0_for_the_same_histogram():
    edges, weights = torch.linspace(0, 1, 6)[None], torch.rand(1, 5)
    assert interlevel_loss(edges, weights, edges, weights).item() == pytest.approx(0, abs=1e-6)


def test_occlusion_counts_what_is_near():
    weights = torch.tensor([[0.5, 0.2, 0.3], [0.0, 0.0, 1.0]])
    near = torch.tensor([[True, True, False], [True, True, False]])
    assert occlusion_loss(weights, near).item() == pytest.approx(0.35)


def test_ranking_punishes_the_wrong_order_alone():
    depth = torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5001], [0.0, 1.0]])
    distance = torch.tensor([[1.0, 2.0], [2.0, 1.5], [1.0, 2.0], [1.0, 0.0], [9.0, 0.0]])
    comparable = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0])
    assert ranking_loss(distance, depth, comparable).item() == pytest.approx((0.501 + 1.001) / 3)


def test_ranking_without_pairs_is_0():
    assert ranking_loss(torch.rand(3, 2), torch.rand(3, 2), torch.zeros(3)) == 0
