"""Samples in a ball against its chords."""

from dataclasses import dataclass

import pytest
import torch

from recon_lib.render.hull_samples import HullSampler
from recon_lib.render.rays import RayBundle


@dataclass
class Shells:
    """A ball of radius 0.9 with a spherical hollow of radius `hollow` around the middle."""

    hollow: float = 0.0
    bounds = torch.tensor([[-1.0, -1, -1], [1, 1, 1]])

    def in_hull(self, points):
        radius = points.norm(dim=-1)
        return (radius < 0.9) & (radius >= self.hollow)


def bundle(heights):
    origins = torch.tensor([[-3.0, h, 0.0] for h in heights])
    return RayBundle(origins, torch.tensor([[1.0, 0, 0]]).expand_as(origins))


@pytest.mark.parametrize("height", [0.0, 0.3, 0.7])
def test_they_fill_the_chord(height):
    samples = HullSampler(16, 64)(Shells(), bundle([height]))
    chord = 2 * (0.81 - height**2) ** 0.5
    assert float(samples.length.sum()) == pytest.approx(chord, abs=0.12)
    assert (samples.t.diff() > 0).all() and abs(float(samples.t.mean()) - 3) < 0.05


def test_gaps_are_padding():
    samples = HullSampler(16, 64)(Shells(0.5), bundle([0.0]))
    middle = (samples.t - 3).abs() < 0.45
    assert middle.any() and (samples.length[middle] == 0).all() and (samples.length[~middle] > 0).any()


def test_rays_beside_it_have_none():
    samples = HullSampler(8)(Shells(), bundle([0.95, 5.0, 0.0]))
    assert (samples.length[:2] == 0).all() and (samples.length[2] > 0).any() and torch.isfinite(samples.t).all()


def test_a_generator_jitters_them_within_their_segments():
    even, random = HullSampler(8)(Shells(), bundle([0.0])), None
    for seed in range(3):
        random = HullSampler(8)(Shells(), bundle([0.0]), torch.Generator().manual_seed(seed))
        assert ((random.t - even.t).abs() <= even.length.max() / 2 + 1e-5).all()
    again = HullSampler(8)(Shells(), bundle([0.0]), torch.Generator().manual_seed(2))
    torch.testing.assert_close(again.t, random.t, rtol=0, atol=0)
    assert not torch.equal(random.t, even.t)
