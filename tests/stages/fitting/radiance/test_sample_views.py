import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.stages.fitting.radiance.sample_views import own_render, sample_views
from recon_lib.stages.fitting.radiance.view_priors import DiffusionPrior, RepairPrior
from tests.helpers.view_prior import SIDE, ellipsoid_views, tiny_model
from tests.helpers.watching import StopAfter

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return ellipsoid_views(tmp_path_factory.mktemp("views"))


def test_a_repair_begins_with_the_pixel_nerfs_render(views):
    prior = RepairPrior(tiny_model())
    pictures = sample_views(prior, views[2:5], views.cameras[:2])
    assert pictures.shape == (2, 3, SIDE, SIDE)
    begun = own_render(prior, views[2:5], views.cameras[1])
    torch.testing.assert_close(pictures[1:], prior.sample(begun, views.cameras[1], views[2:5], 1.0))


def test_renders_of_any_size_are_cut_to_their_middle(views):
    seen = []

    class Echo:
        size = SIDE

        def sample(self, renders, cameras, inputs, noise_level, generator=None):
            seen.append((renders, cameras))
            return renders

    wide = torch.zeros(1, 3, 64, 96)
    wide[..., 16:80] = 0.5
    camera = views.cameras[0].resized(64, 64).cropped(-16, 0, 96, 64)
    picture = sample_views(Echo(), views[2:5], camera, wide)
    assert (picture == 0.5).all()
    torch.testing.assert_close(seen[0][1].intrinsics, views.cameras.intrinsics[:1])
    assert (sample_views(Echo(), views[2:5], camera) == 1).all()


def test_the_seed_decides_and_it_can_be_stopped(views):
    prior = DiffusionPrior(tiny_model())
    a, b, other = (sample_views(prior, views[2:4], views.cameras[:1], seed=seed) for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, other)
    with pytest.raises(Interrupted):
        sample_views(prior, views[2:4], views.cameras[:2], progress=StopAfter(0))


def test_renders_that_do_not_fit_are_told(views):
    with pytest.raises(BadInput, match="renders"):
        sample_views(RepairPrior(tiny_model()), views[2:4], views.cameras[:2], torch.zeros(1, 3, SIDE, SIDE))
