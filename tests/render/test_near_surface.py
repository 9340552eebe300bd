"""Rays traced to a sphere of radius 0.5 and to a plane, whose crossings are known."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib.render.near_surface import INSIDE, OUTSIDE, Nearest, box_ends, nearest_surface, surface_samples

BOX = torch.tensor([[-1.0, -1, -1], [1, 1, 1]])


def sphere(points):
    return points.norm(dim=-1) - 0.5


def rays(offsets):
    """Rays along +z at these x."""
    origins = torch.tensor([[x, 0.0, -3.0] for x in offsets])
    return origins, torch.tensor([0.0, 0, 1]).expand_as(origins)


def test_the_boxs_ends():
    near, far = box_ends(*rays([0.0, 0.9, 1.1]), BOX)
    assert torch.equal(near[:2], torch.tensor([2.0, 2.0])) and torch.equal(far[:2], torch.tensor([4.0, 4.0]))
    assert near[2] >= far[2]


def test_a_ray_from_within_the_box_begins_at_its_eye():
    near, far = box_ends(torch.zeros(1, 3), torch.tensor([[0.0, 1, 0]]), BOX)
    assert near.item() == 0 and far.item() == 1


def test_rays_hit_the_sphere_where_geometry_says():
    x = torch.linspace(-0.48, 0.48, 33)
    found = nearest_surface(sphere, *rays(x.tolist()), BOX, 1e-3, 64)
    assert found.hit.all()
    assert torch.allclose(found.t, 3 - (0.25 - x**2).sqrt(), atol=5e-3)
    assert (found.gap <= 1e-3).all()


def test_rays_that_miss_tell_how_near_they_came_and_where():
    x = torch.tensor([0.55, 0.7, 0.9])
    found = nearest_surface(sphere, *rays(x.tolist()), BOX, 1e-3, 64)
    assert not found.hit.any()
    assert torch.allclose(found.gap, x - 0.5, atol=0.02)
    assert torch.allclose(found.t, torch.tensor(3.0), atol=0.15)


def test_rays_beside_the_box_are_infinitely_far():
    found = nearest_surface(sphere, *rays([1.5]), BOX, 1e-3)
    assert not found.hit.any() and found.gap.isinf().all()


def test_a_distance_that_is_too_long_does_not_jump_over_a_thick_solid():
    """Overshooting rays come back, since steps inside are negative."""
    found = nearest_surface(lambda p: 1.6 * sphere(p), *rays([0.0, 0.2]), BOX, 1e-3, 64)
    assert found.hit.all()
    assert torch.allclose(found.t, 3 - (0.25 - torch.tensor([0.0, 0.2]) ** 2).sqrt(), atol=5e-3)


@pytest.mark.parametrize("angle", [0.0, 0.9])
def test_samples_span_the_density_of_a_plane(angle):
    """From OUTSIDE betas before to INSIDE betas behind it, measured along the plane's normal."""
    normal = torch.tensor([torch.sin(torch.tensor(angle)), 0.0, -torch.cos(torch.tensor(angle))])

    def plane(points):
        return points @ normal

    origins, directions = rays([0.0])
    found = nearest_surface(plane, origins, directions, BOX, 1e-4, 64)
    t = surface_samples(plane, origins, directions, found, 0.02, 9, 0.05)
    heights = plane((origins[:, None] + t[..., None] * directions[:, None])[0])
    assert heights[0] == pytest.approx(OUTSIDE * 0.02, rel=0.03)
    assert heights[-1] == pytest.approx(-INSIDE * 0.02, rel=0.03)
    assert (t.diff(dim=-1) > 0).all()


def test_jittered_samples_keep_their_order_and_their_seed():
    origins, directions = rays([0.0, 0.3, 0.45])
    found = nearest_surface(sphere, origins, directions, BOX, 1e-3)

    def laid(seed):
        return surface_samples(sphere, origins, directions, found, 0.02, 8, 0.05, torch.Generator().manual_seed(seed))

    assert (laid(0).diff(dim=-1) > 0).all()
    assert torch.equal(laid(0), laid(0)) and not torch.equal(laid(0), laid(1))


def test_samples_never_lie_behind_the_eye():
    origins, directions = torch.tensor([[0.0, 0, -0.52]]), torch.tensor([[0.0, 0, 1.0]])
    found = Nearest(torch.tensor([0.02]), torch.tensor([0.0]), torch.tensor([True]))
    assert (surface_samples(sphere, origins, directions, found, 0.05, 8, 0.05) > 0).all()


def test_grazing_rays_get_longer_segments():
    origins, directions = rays([0.0, 0.45])
    found = nearest_surface(sphere, origins, F.normalize(directions, dim=-1), BOX, 1e-3)
    t = surface_samples(sphere, origins, directions, found, 0.01, 8, 0.05)
    length = t[:, -1] - t[:, 0]
    assert length[1] > 1.5 * length[0]
