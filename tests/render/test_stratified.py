"""Samples in equal segments of a box."""

import torch

from recon_lib.render.rays import RayBundle
from recon_lib.render.stratified import StratifiedSampler, box_ends
from tests.helpers.radiance import BOX, Ball


def rays(offsets) -> RayBundle:
    """Rays along +z at these x."""
    origins = torch.tensor([[x, 0.0, -3.0] for x in offsets])
    return RayBundle(origins, torch.tensor([0.0, 0, 1]).expand_as(origins))


def test_the_boxs_ends():
    start, end = box_ends(rays([0.0, 0.9, 1.1]), BOX)
    assert torch.equal(start[:2], torch.tensor([2.0, 2.0])) and torch.equal(end[:2], torch.tensor([4.0, 4.0]))
    assert start[2] >= end[2]


def test_a_ray_from_within_the_box_begins_at_its_eye():
    start, end = box_ends(RayBundle(torch.zeros(1, 3), torch.tensor([[0.0, 1, 0]])), BOX)
    assert start.item() == 0 and end.item() == 1


def test_samples_are_the_middles_of_segments_that_fill_the_box():
    samples = StratifiedSampler(4)(Ball(), rays([0.0, 0.9]))
    assert torch.equal(samples.t, torch.tensor([2.25, 2.75, 3.25, 3.75]).expand(2, 4))
    assert torch.equal(samples.length, torch.full((2, 4), 0.5))


def test_a_generator_moves_each_within_its_segment():
    drawn = [StratifiedSampler(50)(Ball(), rays([0.0]), torch.Generator().manual_seed(seed)).t[0] for seed in (0, 0, 1)]
    segment = ((drawn[0] - 2) / 2 * 50).floor()
    assert torch.equal(segment, torch.arange(50.0))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_rays_beside_the_box_get_padding():
    assert (StratifiedSampler(4)(Ball(), rays([1.1])).length == 0).all()
