import pytest
import torch

from recon_lib.training.g3dr.dataset import SingleViews, mirrored
from tests.helpers.tiny_shards import write_ellipsoids


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_ellipsoids(tmp_path_factory.mktemp("shards"), size=48)


def test_a_sample_is_one_view_and_always_the_same(shards):
    data = SingleViews(shards, 4, size=32)
    sample, again = data[1], SingleViews(shards, 4, size=32)[1]
    assert set(sample) == {"image", "mask", "given_mask", "depth", "intrinsics", "points", "inside"}
    assert all(torch.equal(sample[name], again[name]) for name in sample)
    assert ((sample["depth"] > 0) == (sample["mask"] > 0)).all()


def test_points_inside_lie_at_the_visible_surface_or_behind(shards):
    sample = SingleViews(shards, 4, size=48, exact=True)[1]
    inside = sample["points"][sample["inside"] > 0.5]
    pixel = inside @ sample["intrinsics"].T
    x, y = (pixel[:, :2] / pixel[:, 2:]).long().unbind(1)
    depth = sample["depth"][0, y, x]
    seen = depth > 0
    assert seen.float().mean() > 0.9 and (inside[seen, 2] > depth[seen] - 0.05).float().mean() > 0.97


def test_mirrored_twice_is_the_sample(shards):
    batch = {name: value[None] for name, value in SingleViews(shards, 4, size=32)[0].items()}
    for name, value in mirrored(mirrored(batch)).items():
        torch.testing.assert_close(value, batch[name])
