"""The perceptrons' own promises; figures of the published code are in test_volsdf_parity."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib.networks.volsdf.grid_color import GridColor
from recon_lib.networks.volsdf.perceptron import LEAST_BETA, LaplaceBeta, NormedLinear, VolSDF, VolSDFConfig

SMALL = VolSDFConfig(width=64)


def test_the_start_is_about_a_sphere():
    """On average over directions; a narrow network is a rough one."""
    network = VolSDF(VolSDFConfig(width=256))
    for radius in (0.3, 0.6, 1.0):
        points = F.normalize(torch.randn(300, 3), dim=-1) * radius
        assert network.distance(points).mean().item() == pytest.approx(radius - 0.6, abs=0.12)


def test_the_distance_is_bounded_by_the_scenes_edge():
    network = VolSDF(SMALL)
    at_edge = F.normalize(torch.randn(20, 3), dim=-1) * 3
    assert (network.distance(at_edge) <= 1e-4).all()
    assert torch.allclose(network.distance(at_edge * 1.1), torch.tensor(-6.0), atol=1e-3)


def test_the_slope_is_the_distances_gradient():
    network = VolSDF(SMALL).double()
    points = torch.randn(10, 3, dtype=torch.float64) * 0.5
    distance, slope, feature = network.distance_and_slope(points)
    assert feature.shape == (10, 64)
    step = 1e-6 * torch.eye(3, dtype=torch.float64)
    numeric = torch.stack([network.distance(points + d) - network.distance(points - d) for d in step], -1) / 2e-6
    assert torch.allclose(distance, network.distance(points))
    assert torch.allclose(slope, numeric, atol=1e-5)


def test_the_slope_can_be_trained_on_or_not():
    network = VolSDF(SMALL)
    network.distance_and_slope(torch.randn(4, 3))[1].square().sum().backward()
    assert all(p.grad is not None for p in network.implicit_network.lin0.parameters() if p.ndim > 1)
    with torch.no_grad():
        assert not any(part.requires_grad for part in network.distance_and_slope(torch.randn(4, 3)))


def test_rows_are_normalised():
    linear = NormedLinear(5, 3)
    x = torch.randn(4, 5)
    before = linear(x)
    with torch.no_grad():
        linear.weight_v.mul_(7)
    assert torch.allclose(linear(x), before, atol=1e-5)
    with torch.no_grad():
        linear.weight_g.mul_(2)
    assert torch.allclose(linear(x) - linear.bias, 2 * (before - linear.bias), atol=1e-5)


def test_beta_stays_above_zero():
    beta = LaplaceBeta(0.0)
    assert beta().item() == pytest.approx(LEAST_BETA)


def test_a_grids_decoder_starts_as_its_first_features():
    decoder, features = GridColor(6, 8), torch.randn(5, 6)
    colors = decoder(features, torch.randn(5, 3), torch.randn(5, 3))
    assert torch.allclose(colors, features[:, :3].sigmoid())


def test_a_grids_decoder_learns_shading():
    """A lamp from above, the same colour everywhere: only the normal can tell."""
    decoder, features = GridColor(6, 16), torch.zeros(400, 6)
    normals = F.normalize(torch.randn(400, 3), dim=-1)
    wanted = (0.2 + 0.6 * normals[:, 1:2].clamp_min(0)).expand(-1, 3)
    optimizer = torch.optim.Adam(decoder.parameters(), 0.03)
    for _ in range(300):
        loss = (decoder(features, normals, normals) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.02
