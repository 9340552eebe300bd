"""VolSDF's density against closed forms."""

import math

import torch

from recon_lib.networks.volsdf.density import laplace_cdf, laplace_density


def test_the_density_is_the_laplace_distribution_over_beta():
    beta = 0.2
    s = torch.tensor([-1.0, -0.2, 0.0, 0.2, 1.0], dtype=torch.float64)
    outside = 0.5 * math.exp(-1)
    far_outside = 0.5 * math.exp(-5)
    expected = torch.tensor([1 - far_outside, 1 - outside, 0.5, outside, far_outside]) / beta
    assert torch.allclose(laplace_density(s, beta), expected.double(), atol=1e-6)


def test_the_cumulative_function_is_the_integral_of_laplaces_density():
    y = torch.linspace(-8, 8, 16001, dtype=torch.float64)
    density = 0.5 * torch.exp(-y.abs())
    summed = 0.5 * math.exp(-8) + torch.cumulative_trapezoid(density, y)
    assert torch.allclose(laplace_cdf(y)[1:], summed, atol=1e-6)
