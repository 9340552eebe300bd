import torch

from recon_lib.stages.fitting.radiance.rays import REACH, RadianceRays, pick_pixels, with_neighbours
from recon_lib.stages.fitting.sdf_grid.settings import Trust
from tests.helpers.posed import around, posed, sphere


def views(side=12):
    return posed(sphere(), around(2, side))


def test_rays_know_their_distance_and_cone():
    shown = views()
    rays = RadianceRays.of(shown, Trust())
    hit = rays.distance > 0
    assert torch.equal(hit, (shown.depth.flatten() > 0) & (rays.mask > 0.5)) and hit.any()
    surface = rays.at(rays.distance)[hit].norm(dim=-1)
    torch.testing.assert_close(surface, torch.full_like(surface, 0.6), atol=0.02, rtol=0)
    assert rays.spread.shape == rays.mask.shape and (rays[:5].spread > 0).all()


def test_a_scene_has_a_black_background():
    from dataclasses import replace

    shown = replace(views(), masks=torch.ones(2, 1, 12, 12))
    rays = RadianceRays.of(shown, Trust())
    assert not rays.background.any() and (rays.mask == 1).all()


def test_views_without_depth():
    from dataclasses import replace

    assert not RadianceRays.of(replace(views(), depth=None), Trust()).distance.any()


def test_picked_pixels_are_candidates():
    candidates = torch.tensor([3, 5, 8])
    picked = pick_pixels(candidates, 50, torch.Generator().manual_seed(0))
    assert len(picked) == 50 and set(picked.tolist()) == {3, 5, 8}


def test_neighbours_are_near_in_the_same_view():
    height, width = 20, 30
    pixels = torch.randint(3 * height * width, (500,), generator=torch.Generator().manual_seed(0))
    both = with_neighbours(pixels, height, width, torch.Generator().manual_seed(1))
    first, second = both.chunk(2)
    assert torch.equal(first, pixels)
    assert torch.equal(first // (height * width), second // (height * width))
    a, b = (x % (height * width) for x in (first, second))
    assert ((a // width - b // width).abs() <= REACH).all() and ((a % width - b % width).abs() <= REACH).all()
    assert (first != second).float().mean() > 0.9
