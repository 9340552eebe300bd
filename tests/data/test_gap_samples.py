"""Samples that were packed and read again say what the gap said."""

import numpy as np
import pytest
import torch

from recon_lib.data import gap_samples
from recon_lib.data.gap_samples import ARRAYS, GapSamples, GapShard, make_samples, packed
from recon_lib.data.gaps import Errors, Ring, gap
from recon_lib.data.rings import list_rings, open_rings
from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from tests.ellipsoid_rings import write_ellipsoid_rings

SIZE = 32


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    return write_ellipsoid_rings(tmp_path_factory.mktemp("rings"), SIZE)


@pytest.fixture(scope="module")
def samples(rings, tmp_path_factory):
    out = tmp_path_factory.mktemp("samples")
    make_samples(rings, out, count=4)
    return out


def test_layers_come_back(rings):
    views = open_rings(list_rings(rings)[0]).views(1)
    found = gap(Ring.of(views), [0, 1], 2, Errors(depth=0.01, tilt=0.1), np.random.default_rng(0))
    row = packed(found, views[2])
    sample = GapShard(**{name: np.stack([row[name]]) for name in ARRAYS}).sample(0)
    for name in ("seen", "masks", "silhouettes"):
        assert torch.equal(sample[name], getattr(found, name)[0]), name
    for name, atol in (("images", 1 / 500), ("depth", 1e-3), ("normals", 1 / 250)):
        torch.testing.assert_close(sample[name], getattr(found, name)[0], atol=atol, rtol=0)
    torch.testing.assert_close(sample["truth"][:3], views.images[2], atol=1e-6, rtol=0)
    torch.testing.assert_close(sample["truth"][3:], views.masks[2], atol=1e-6, rtol=0)
    assert float(sample["focal"]) == float(found.cameras.intrinsics[0, 1, 1])
    assert all(value.dtype == torch.float32 for value in sample.values())


def test_every_ring_gives_its_samples(samples):
    data = GapSamples(samples)
    assert len(data) == 12
    for index in range(len(data)):
        sample = data[index]
        assert sample["masks"].any() and sample["truth"][3].any()
        assert sample["images"].shape == (3, SIZE, SIZE) and sample["truth"].shape == (4, SIZE, SIZE)
    with pytest.raises(IndexError):
        data[12]


def test_seeded_and_not_done_twice(rings, samples, tmp_path, monkeypatch):
    make_samples(rings, tmp_path, count=4)
    for mine, other in zip(GapSamples(samples), GapSamples(tmp_path), strict=True):
        assert all(torch.equal(mine[name], other[name]) for name in mine)
    make_samples(rings, tmp_path, count=4, seed=1)
    data = GapSamples(tmp_path)
    assert len(data) == 24 and not torch.equal(data[0]["images"], data[12]["images"])
    monkeypatch.setattr(gap_samples, "_of_ring", None)  # would fail if it were called
    make_samples(rings, tmp_path, count=4)


def test_a_view_without_anything_gives_no_sample(rings):
    views = open_rings(list_rings(rings)[0]).views(0)
    views.depth[3] = 0
    assert gap_samples._of_ring(views, 2, np.random.default_rng(0)) == []


def test_a_stop_leaves_no_samples(rings, tmp_path):
    class Stop(Progress):
        looked = 0

        def check(self):
            self.looked += 1
            if self.looked > 2:
                raise Interrupted

    with pytest.raises(Interrupted):
        make_samples(rings, tmp_path / "out", count=1, progress=Stop())
    assert not (tmp_path / "out").exists()


def test_folders_without_samples_are_told(samples, tmp_path):
    with pytest.raises(BadInput, match="No outpainting samples in"):
        GapSamples(tmp_path)
    (tmp_path / "x").mkdir()
    np.save(tmp_path / "x" / "region.npy", np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(BadInput, match=r"has no images\.npy"):
        GapSamples(tmp_path)
