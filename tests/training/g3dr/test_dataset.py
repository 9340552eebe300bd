import numpy as np
import pytest
import torch

from recon_lib.training.g3dr.dataset import SingleViews, mirrored, stretched
from tests.helpers.tiny_shards import write_ellipsoids


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_ellipsoids(tmp_path_factory.mktemp("shards"), size=48)


def test_a_sample_is_one_view_and_always_the_same(shards):
    data = SingleViews(shards, 4, size=32)
    sample, again = data[1], SingleViews(shards, 4, size=32)[1]
    assert set(sample) == {"image", "mask", "given_mask", "depth", "intrinsics"}
    assert all(torch.equal(sample[name], again[name]) for name in sample)
    assert ((sample["depth"] > 0) == (sample["mask"] > 0)).all()


def test_stretched_depth_keeps_its_geometric_mean():
    depth = np.array([[1.0, 2.0], [4.0, 0.0]], np.float32)
    np.testing.assert_allclose(stretched(depth, 2.0), [[0.5, 2.0], [8.0, 0.0]], rtol=1e-6)


def test_mirrored_twice_is_the_sample(shards):
    batch = {name: value[None] for name, value in SingleViews(shards, 4, size=32)[0].items()}
    for name, value in mirrored(mirrored(batch)).items():
        torch.testing.assert_close(value, batch[name])
