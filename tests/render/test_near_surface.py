"""Rays traced to a sphere of radius 0.5 and to a plane, whose crossings are known."""

import pytest
import torch

from recon_lib.render.near_surface import INSIDE, OUTSIDE, Nearest, NearSurfaceSampler, SurfaceSampler, nearest_surface
from recon_lib.render.rays import RayBundle, RaySamples, render_rays
from tests.helpers.radiance import DistanceSolid


def sphere(beta: float = 0.02, factor: float = 1.0) -> DistanceSolid:
    return DistanceSolid(lambda p: factor * (p.norm(dim=-1) - 0.5), beta)


def rays(offsets) -> RayBundle:
    """Rays along +z at these x."""
    origins = torch.tensor([[x, 0.0, -3.0] for x in offsets])
    return RayBundle(origins, torch.tensor([0.0, 0, 1]).expand_as(origins))


def sampled(field: DistanceSolid, bundle: RayBundle, samples: int = 8, seed: int | None = None) -> RaySamples:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return NearSurfaceSampler(0.05, samples, tolerance=0.002)(field, bundle, generator)


def test_rays_hit_the_sphere_where_geometry_says():
    x = torch.linspace(-0.48, 0.48, 33)
    nearest = nearest_surface(sphere(), rays(x.tolist()), 1e-3, 64)
    assert nearest.hit.all()
    assert torch.allclose(nearest.t, 3 - (0.25 - x**2).sqrt(), atol=5e-3)
    assert (nearest.gap <= 1e-3).all()


def test_rays_that_miss_tell_how_near_they_came_and_where():
    x = torch.tensor([0.55, 0.7, 0.9])
    nearest = nearest_surface(sphere(), rays(x.tolist()), 1e-3, 64)
    assert not nearest.hit.any()
    assert torch.allclose(nearest.gap, x - 0.5, atol=0.02)
    assert torch.allclose(nearest.t, torch.tensor(3.0), atol=0.15)


def test_rays_beside_the_box_are_infinitely_far():
    nearest = nearest_surface(sphere(), rays([1.5]), 1e-3)
    assert not nearest.hit.any() and nearest.gap.isinf().all()


def test_a_distance_that_is_too_long_does_not_jump_over_a_thick_solid():
    """Overshooting rays come back, since steps inside are negative."""
    nearest = nearest_surface(sphere(factor=1.6), rays([0.0, 0.2]), 1e-3, 64)
    assert nearest.hit.all()
    assert torch.allclose(nearest.t, 3 - (0.25 - torch.tensor([0.0, 0.2]) ** 2).sqrt(), atol=5e-3)


@pytest.mark.parametrize("angle", [0.0, 0.9])
def test_samples_span_the_density_of_a_plane(angle):
    """From OUTSIDE betas before to INSIDE betas behind it, measured along the plane's normal."""
    normal = torch.tensor([torch.sin(torch.tensor(angle)), 0.0, -torch.cos(torch.tensor(angle))])

    plane = DistanceSolid(lambda p: p @ normal, 0.02)
    bundle = rays([0.0])
    t = sampled(plane, bundle, 9).t
    heights = -plane.inside(bundle.at(t)[0])
    assert heights[0] == pytest.approx(OUTSIDE * 0.02, rel=0.03)
    assert heights[-1] == pytest.approx(-INSIDE * 0.02, rel=0.03)
    assert (t.diff(dim=-1) > 0).all()


def test_jittered_samples_keep_their_order_and_their_seed():
    first, again, other = (sampled(sphere(), rays([0.0, 0.3, 0.45]), seed=seed).t for seed in (0, 0, 1))
    assert (first.diff(dim=-1) > 0).all()
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_samples_never_lie_behind_the_eye():
    bundle = RayBundle(torch.tensor([[0.0, 0, -0.52]]), torch.tensor([[0.0, 0, 1.0]]))
    nearest = Nearest(torch.tensor([0.02]), torch.tensor([0.0]), torch.tensor([True]))
    assert (NearSurfaceSampler(0.05).around(sphere(0.05), bundle, nearest).t > 0).all()


def test_grazing_rays_get_longer_segments():
    t = sampled(sphere(0.01), rays([0.0, 0.45])).t
    length = t[:, -1] - t[:, 0]
    assert length[1] > 1.5 * length[0]


@pytest.mark.parametrize("sampler", [NearSurfaceSampler(0.05, 32), SurfaceSampler(0.005)])
def test_the_sphere_is_rendered_where_it_is(sampler):
    """Opaque where rays meet it, empty beside it."""
    x = torch.tensor([0.0, 0.2, 0.4, 0.7])
    rendered = render_rays(sphere(0.004), sampler, rays(x.tolist()))
    assert torch.allclose(rendered.opacity, torch.tensor([1.0, 1, 1, 0]), atol=1e-3)
    assert torch.allclose(rendered.distance[:3], 3 - (0.25 - x[:3] ** 2).sqrt(), atol=0.02)
