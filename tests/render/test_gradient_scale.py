import math

import pytest
import torch

from recon_lib.render.gradient_scale import depth_scale, scale_gradient
from recon_lib.render.rays import RayBundle, RaySamples, composite, sample_radiance
from tests.helpers.radiance import Triplane


def test_scale_is_g3drs():
    distance = torch.tensor([[1.0, 1.1, 1.2, 3.0]])
    expected = [1.0, 1.25 * math.exp(-0.01 / 0.03), 1.25 * math.exp(-0.04 / 0.03), 0.05]
    assert depth_scale(distance, torch.tensor([1.0]))[0].tolist() == pytest.approx(expected)
    assert (depth_scale(distance, torch.tensor([0.0])) == 1).all()


def test_forward_is_unchanged_and_the_gradient_multiplied():
    """The gradient is the factor times the difference quotient of what follows."""
    values = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([0.05, 0.5, 1.0], dtype=torch.float64)

    def follows(x):
        return (x.exp() * torch.tensor([1.0, 2.0, 3.0])).sum()

    scaled = scale_gradient(values, scale)
    assert torch.equal(scaled, values)
    follows(scaled).backward()
    step = 1e-6 * torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        slopes = torch.stack([(follows(values + e) - follows(values - e)) / 2e-6 for e in step])
    torch.testing.assert_close(values.grad, scale * slopes, rtol=1e-6, atol=1e-9)


def test_gradients_of_alpha_and_color_are_scaled_in_a_rendering():
    """Scaling the density's gradient scales alpha's, sample by sample, by finite differences of the rendering."""
    t = torch.tensor([[0.4, 0.8, 1.2, 1.6]], dtype=torch.float64)
    rays = RayBundle(torch.zeros(1, 3).double(), torch.tensor([[0.0, 0, 1]]).double())
    samples = RaySamples(t, torch.full_like(t, 0.4))
    scale = depth_scale(t, torch.tensor([1.1]).double())
    density = torch.tensor([0.2, 1.0, 2.0, 0.5], dtype=torch.float64, requires_grad=True)
    tint = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()

    class Listed:
        def density(self, points):
            return density

        def color(self, points, directions):
            return tint

    def shown(factors=None):
        return composite(sample_radiance(Listed(), rays, samples, factors), samples).color.square().sum()

    assert torch.equal(shown(scale), shown())
    plain = torch.autograd.grad(shown(), (density, tint))
    ours = torch.autograd.grad(shown(scale), (density, tint))
    torch.testing.assert_close(ours[0], plain[0] * scale[0])
    torch.testing.assert_close(ours[1], plain[1] * scale[0][:, None])
    with torch.no_grad():
        quotients = []
        for i in range(4):
            both = []
            for sign in (1, -1):
                density[i] += sign * 1e-6
                both.append(float(shown()))
                density[i] -= sign * 1e-6
            quotients.append((both[0] - both[1]) / 2e-6)
    torch.testing.assert_close(ours[0], torch.tensor(quotients).double() * scale[0], rtol=1e-5, atol=1e-9)


def test_far_samples_learn_little_of_a_field():
    field = Triplane()
    rays = RayBundle(torch.tensor([[0.1, 0.2, -1.0]]), torch.tensor([[0.0, 0, 1]]))
    samples = RaySamples(torch.linspace(0.1, 1.9, 8)[None], torch.full((1, 8), 0.22))
    norms = []
    for estimate in (1.0, 9.0):
        learning = depth_scale(samples.t, torch.tensor([estimate]))
        color = composite(sample_radiance(field, rays, samples, learning), samples).color
        norms.append(torch.autograd.grad(color.sum(), field.planes)[0].norm())
    assert norms[1] < 0.3 * norms[0]
