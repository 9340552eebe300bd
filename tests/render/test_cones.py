import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.render.cones import ConeBundle, across, hexagon
from recon_lib.render.rays import RaySamples


def frustum_moments(near, far, count=400_000):
    """Mean and variance of t of a frustum's volume, and variance across, for radius 1 at distance 1."""
    t = near + (far - near) * (torch.arange(count, dtype=torch.float64) + 0.5) / count
    weight = t.square() / t.square().sum()
    mean = (weight * t).sum()
    return float(mean), float((weight * (t - mean).square()).sum()), float((weight * t.square()).sum() / 4)


@pytest.mark.parametrize(("near", "far"), [(1.0, 1.1), (1.0, 2.0), (0.01, 3.0)])
def test_six_points_have_the_frustums_mean_and_variances(near, far):
    samples = RaySamples(torch.tensor([[(near + far) / 2]]).double(), torch.tensor([[far - near]]).double())
    t, radius, angle = hexagon(samples)
    mean, variance, across_variance = frustum_moments(near, far)
    assert t.mean().item() == pytest.approx(mean, rel=1e-4)
    assert t.var(correction=0).item() == pytest.approx(variance, rel=1e-3)
    x, y = radius[0, 0] * angle.cos(), radius[0, 0] * angle.sin()
    assert (x.square() + y.square()).mean().item() / 2 == pytest.approx(across_variance, rel=1e-3)
    assert abs((x * y).mean().item()) < 0.25 * across_variance


def test_cone_of_a_pixel():
    camera = Cameras.orbit(0.0, 0.0, 3.0, 60.0, 4, 4)
    rays = ConeBundle.of(camera)
    focal = 2 / math.tan(math.radians(30))
    assert len(rays) == 16 and rays.spread.tolist() == pytest.approx([1 / focal / math.sqrt(3)] * 16)
    samples = RaySamples(torch.full((16, 2), 3.0), torch.full((16, 2), 0.1))
    cones = rays.cones(samples)
    assert cones.points.shape == (32, 1, 3)
    pixel = 3.0 / focal
    assert cones.widths.flatten().tolist() == pytest.approx([pixel / math.sqrt(12)] * 32)  # that of a square pixel


def test_multisamples_lie_around_the_sample():
    rays = ConeBundle.of(Cameras.orbit([20.0, 70.0], 10.0, 3.0, 40.0, 3, 3))
    samples = RaySamples(torch.full((18, 2), 2.5), torch.full((18, 2), 0.05))
    cones = rays.cones(samples, 6)
    assert cones.points.shape == (36, 6, 3) and cones.widths.shape == (36, 6)
    middle = rays.at(samples.t).reshape(-1, 3)
    torch.testing.assert_close(cones.points.mean(1), middle, atol=1e-3, rtol=0)
    assert (cones.points.std(1) > 1e-3).all()


def test_across():
    directions = torch.nn.functional.normalize(torch.randn(20, 3), dim=-1)
    axes = torch.stack([directions, *across(directions)], 1)
    torch.testing.assert_close(axes @ axes.mT, torch.eye(3).expand(20, 3, 3), atol=1e-5, rtol=0)
