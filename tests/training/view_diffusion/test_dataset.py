import numpy as np
import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.training.view_diffusion.dataset import (
    INPUTS,
    MOST_INPUTS,
    OrbitViews,
    draw_inputs,
    draw_sample,
    mirrored,
    recolored,
    views_of,
)
from tests.helpers.view_prior import SIDE, ellipsoid_views, write_scattered_ellipsoids


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_scattered_ellipsoids(tmp_path_factory.mktemp("orbits"))


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return ellipsoid_views(tmp_path_factory.mktemp("views"))


def as_sample(views):
    cameras = views.cameras
    layers = {"images": views.images, "masks": views.masks, "depth": views.depth}
    return {**layers, "camera_to_world": cameras.camera_to_world, "intrinsics": cameras.intrinsics}


def test_all_orbits_are_found(folder):
    data = OrbitViews(folder, SIDE, 10)
    assert len(data) == 3 and len(data[2]) == 10
    with pytest.raises(IndexError):
        data[3]


@pytest.mark.parametrize(("side", "views"), [(64, 10), (SIDE, 11)])
def test_orbits_that_do_not_fit_are_told(folder, side, views):
    with pytest.raises(BadInput, match="holds orbits of 10 views of 32 px"):
        OrbitViews(folder, side, views)


def test_every_number_of_inputs_comes_up():
    rng = np.random.default_rng(0)
    drawn = {draw_inputs(rng) for _ in range(300)}
    assert drawn == set(INPUTS) and max(drawn) == MOST_INPUTS


def test_a_sample_is_some_views_and_the_seed_decides(views):
    first, again, other = (draw_sample(views, 4, np.random.default_rng(seed)) for seed in (1, 1, 5))
    assert first["images"].shape == (4, 3, SIDE, SIDE) and first["camera_to_world"].shape == (4, 4, 4)
    assert torch.equal(first["images"], again["images"]) and not torch.equal(first["images"], other["images"])


def test_white_stays_white_in_other_colours(views):
    images = recolored(views.images, np.random.default_rng(0))
    assert (images[views.images == 1] >= 1 - 1e-6).sum() and images.max() <= 1
    white = (views.images == 1).all(1, keepdim=True).expand_as(images)
    assert (images[white] == 1).all() and not torch.allclose(images, views.images, atol=0.02)


def test_the_mirrored_views_show_the_mirrored_object(views):
    """Each pixel's point in the mirrored world is the mirror image of the point that it shows."""
    sample = mirrored(as_sample(views))
    cameras = Cameras(sample["camera_to_world"], sample["intrinsics"], SIDE, SIDE)
    mirror = torch.tensor([-1.0, 1.0, 1.0])
    expected = views.cameras.unproject(views.depth).flip(2) * mirror
    torch.testing.assert_close(cameras.unproject(sample["depth"]), expected, rtol=1e-4, atol=1e-4)
    assert (torch.linalg.det(cameras.rotation) > 0).all()
    torch.testing.assert_close(sample["images"], views.images.flip(-1))
    back = mirrored(sample)
    torch.testing.assert_close(back["camera_to_world"], views.cameras.camera_to_world)


def test_views_of_a_batch(views):
    batch = {name: value[None] for name, value in as_sample(views).items()}
    part = views_of(batch, 0, slice(2, 5))
    assert torch.equal(part.images, views.images[2:5]) and len(part.cameras) == 3
