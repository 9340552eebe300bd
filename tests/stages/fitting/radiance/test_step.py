"""What stands behind an object while its rays are compared with their pixels."""

from dataclasses import replace

import torch

from recon_lib.stages.fitting.radiance.rays import RadianceRays
from recon_lib.stages.fitting.radiance.step import backgrounds
from recon_lib.stages.fitting.sdf_grid.settings import Trust
from tests.helpers.posed import around, posed, sphere


def some_rays(mask: float) -> RadianceRays:
    """Rays of grey paint that covers `mask` of each pixel, before white."""
    rays = RadianceRays.of(posed(sphere(), around(2, 12)), Trust())
    white = torch.ones_like(rays.colors)
    shares = torch.full_like(rays.mask, mask)
    return replace(rays, mask=shares, background=white, colors=mask * 0.25 * white + (1 - mask) * white)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_paint_stays_as_it_is_before_whatever_background():
    for mask in (0.0, 0.4, 1.0):
        rays = some_rays(mask)
        behind, truth = backgrounds(rays, seeded(), at_random=True)
        torch.testing.assert_close(truth, mask * 0.25 + (1 - mask) * behind)


def test_random_backgrounds_are_of_all_colours_and_repeat_with_the_seed():
    rays = some_rays(0.5)
    behind, truth = backgrounds(rays, seeded(), at_random=True)
    assert behind.min() < 0.05 and behind.max() > 0.95 and abs(float(behind.mean()) - 0.5) < 0.05
    again = backgrounds(rays, seeded(), at_random=True)
    assert torch.equal(again[0], behind) and torch.equal(again[1], truth)


def test_otherwise_pictures_stand_before_their_own():
    rays = some_rays(0.5)
    behind, truth = backgrounds(rays, seeded(), at_random=False)
    assert behind is rays.background and truth is rays.colors
