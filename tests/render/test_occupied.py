from dataclasses import dataclass, replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.render.occupied import OccupiedSampler
from recon_lib.render.rays import RayBundle, render_image, render_rays
from recon_lib.render.stratified import StratifiedSampler
from tests.helpers.radiance import Ball, GaussianFog


def ray(x=0.0, y=0.0):
    return RayBundle(torch.tensor([[x, y, -3.0]]), torch.tensor([[0.0, 0, 1]]))


def test_samples_lie_where_something_is():
    field = Ball(radius=0.5, sigma=2.0)
    sampler = OccupiedSampler.of(field, 65)
    samples = sampler(field, ray())
    t = samples.t[samples.length > 0]
    assert 2.4 <= t.min() <= 2.55 and 3.45 <= t.max() <= 3.6
    assert (t[1:] - t[:-1]).tolist() == pytest.approx([sampler.step] * (len(t) - 1), abs=1e-5)


def test_rays_end_where_they_are_opaque():
    field = Ball(radius=0.5, sigma=200.0)
    t = OccupiedSampler.of(field, 65)(field, ray()).t
    assert t.max() < 2.65


@dataclass
class Steep(GaussianFog):
    """Density that rises thirtyfold in a cell of the lattice along z, as fitted ones do at a rim."""

    rim: float = 0.0
    cell: float = 2 / 32

    def density(self, points):
        return 0.01 / self.cell * 30 ** ((points[:, 2] - self.rim) / self.cell).clamp(-4, 3)


@pytest.mark.parametrize("part", torch.linspace(0, 1, 9).tolist())
def test_rays_do_not_end_in_front_of_a_steep_rim(part):
    """The node next to a sample may be opaque where the sample is not."""
    field = Steep(rim=part * Steep.cell)
    sampler = replace(OccupiedSampler.of(field, 33), step=Steep.cell)
    assert render_rays(field, sampler, ray(), 0.0).opacity > 0.97


def test_empty_rays_have_padding_alone():
    field = Ball(radius=0.3)
    sampler = OccupiedSampler.of(field, 33)
    for miss in (ray(0.8), ray(5.0)):
        samples = sampler(field, miss)
        assert not samples.length.any()
        assert render_rays(field, sampler, miss, 1.0).color.tolist() == [[1.0, 1.0, 1.0]]


def test_at_most_so_many():
    field = Ball(radius=0.9, sigma=0.5)
    sampler = OccupiedSampler.of(field, 65, most=7)
    assert sampler(field, ray()).t.shape == (1, 7)


def test_random_samples_repeat_and_stay_in_step():
    field = GaussianFog()
    sampler = OccupiedSampler.of(field, 48)
    first, second = (sampler(field, ray(), torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first.t, second.t) and not torch.equal(first.t, sampler(field, ray()).t)


def test_padding_keeps_distances_ascending():
    field = Ball(radius=0.4, sigma=1.0)
    rays = RayBundle(torch.tensor([[0.0, 0, -3], [0.39, 0, -3]]), torch.tensor([[0.0, 0, 1], [0, 0, 1]]))
    samples = OccupiedSampler.of(field, 65)(field, rays)
    assert (samples.t[:, 1:] >= samples.t[:, :-1]).all() and not samples.length.all()


def test_pictures_are_those_of_many_samples():
    field, camera = GaussianFog(), Cameras.orbit(30.0, 20.0, 3.0, 40.0, 16, 16)
    true = render_image(field, StratifiedSampler(512), camera)
    ours = render_image(field, OccupiedSampler.of(field, 96), camera)
    assert (ours - true).abs().max() < 0.02
