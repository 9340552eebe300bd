"""Outpainting samples that were packed and read again equal the painter's input."""

import numpy as np
import pytest
import torch

from recon_lib.data.shards.orbits import OrbitShard
from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.stages.outpainting.outpaint import painter_input
from recon_lib.stages.outpainting.simulated_masks import Errors, OrbitRenders, simulate_outpaint_mask
from recon_lib.training.outpainter import dataset
from recon_lib.training.outpainter.dataset import (
    SAMPLE_SIDE_PX,
    OutpaintSamples,
    OutpaintShard,
    make_samples,
    packed,
)
from recon_lib.views.square_crop import SquareCrop
from tests.helpers.ellipsoid_orbits import write_ellipsoid_orbits

SIZE = 32


@pytest.fixture(scope="module")
def orbits(tmp_path_factory):
    return write_ellipsoid_orbits(tmp_path_factory.mktemp("orbits"), SIZE)


@pytest.fixture(scope="module")
def samples(orbits, tmp_path_factory):
    out = tmp_path_factory.mktemp("samples")
    make_samples(orbits, out, count=4)
    return out


def test_what_was_packed_comes_back(orbits):
    views = OrbitShard.open(OrbitShard.find_some(orbits)[0]).views(1)
    outpaint_mask = simulate_outpaint_mask(
        OrbitRenders.of(views), [0, 1], 2, Errors(depth=0.01, tilt=0.1), np.random.default_rng(0)
    )
    inputs = painter_input(outpaint_mask, SquareCrop.around(outpaint_mask.silhouettes[0, 0], 0.85), 48)
    truth = torch.rand(1, 4, 48, 48)
    row = packed(inputs, truth, float(outpaint_mask.cameras.position.norm()))
    sample = OutpaintShard(**{name: np.stack([row[name]]) for name in OutpaintShard.columns()}).sample(0)
    for name in ("seen", "masks"):
        assert torch.equal(sample[name], getattr(inputs, name)[0]), name
    for name, atol in (("images", 1 / 500), ("depth", 1e-3), ("normals", 1 / 250)):
        expected = getattr(inputs, name)[0] * (1 if name == "images" else inputs.seen[0])
        torch.testing.assert_close(sample[name], expected, atol=atol, rtol=0)
    torch.testing.assert_close(sample["truth"], truth[0], atol=1 / 500, rtol=0)
    assert sample["focal"] == inputs.focal[0]
    assert all(value.dtype == torch.float32 for value in sample.values())


def test_the_truth_agrees_with_the_input(samples):
    """Seen colours are about those of the truth, everything of the object is seen or to be painted."""
    for sample in OutpaintSamples(samples):
        seen = sample["seen"].expand(3, -1, -1) > 0
        assert (sample["images"] - sample["truth"][:3]).abs()[seen].mean() < 0.06 if seen.sum() > 90 else True
        within = (sample["seen"] + sample["masks"]) > 0
        assert (sample["truth"][3:] > 0.6)[~within].float().mean() < 0.003
        assert sample["truth"][3:][sample["seen"] > 0].mean() > 0.9 if seen.any() else True


def test_every_orbit_yields_its_samples(samples):
    data = OutpaintSamples(samples)
    assert len(data) == 12
    for index in range(len(data)):
        sample = data[index]
        assert sample["masks"].any() and sample["truth"][3].any()
        assert sample["images"].shape == (3, SAMPLE_SIDE_PX, SAMPLE_SIDE_PX) and sample["truth"].shape == (
            4,
            SAMPLE_SIDE_PX,
            SAMPLE_SIDE_PX,
        )
    with pytest.raises(IndexError):
        data[12]


def test_seeded_and_not_done_twice(orbits, samples, tmp_path, monkeypatch):
    make_samples(orbits, tmp_path, count=4)
    for mine, other in zip(OutpaintSamples(samples), OutpaintSamples(tmp_path), strict=True):
        assert all(torch.equal(mine[name], other[name]) for name in mine)
    make_samples(orbits, tmp_path, count=4, seed=1)
    data = OutpaintSamples(tmp_path)
    assert len(data) == 24 and not torch.equal(data[0]["images"], data[12]["images"])
    monkeypatch.setattr(dataset, "_orbit_samples", None)  # would fail if it were called
    make_samples(orbits, tmp_path, count=4)


def test_a_view_without_anything_gives_no_sample(orbits):
    views = OrbitShard.open(OrbitShard.find_some(orbits)[0]).views(0)
    views.depth[3] = 0
    assert dataset._orbit_samples(views, 2, np.random.default_rng(0)) == []


def test_a_stop_leaves_no_samples(orbits, tmp_path):
    class Stop(Progress):
        looked = 0

        def check(self):
            self.looked += 1
            if self.looked > 2:
                raise Interrupted

    with pytest.raises(Interrupted):
        make_samples(orbits, tmp_path / "out", count=1, progress=Stop())
    assert not (tmp_path / "out").exists()


def test_folders_without_samples_are_reported(samples, tmp_path):
    with pytest.raises(BadInput, match="There is nothing in"):
        OutpaintSamples(tmp_path)
    (tmp_path / "x").mkdir()
    np.save(tmp_path / "x" / "region.npy", np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(BadInput, match=r"has no images\.npy"):
        OutpaintSamples(tmp_path)
