import pytest
import torch

from recon_lib.stages.single_view.lens_from_depth import FEWEST_PIXELS
from recon_lib.training.focal.dataset import FEWEST_STEPS, LONGEST_LOG, MOST_STEPS, DepthCrops, _quantized, altered
from tests.helpers.tiny_shards import write_ellipsoids


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    return DepthCrops(write_ellipsoids(tmp_path_factory.mktemp("shards")), 32)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_render_gives_a_crop(crops):
    batch = crops.batch(torch.arange(len(crops)))
    assert len(crops) == 6 and batch["depth"].shape == batch["mask"].shape == (6, 1, 32, 32)
    assert torch.equal(batch["depth"] > 0, batch["mask"] > 0)


def test_the_focal_length_is_that_of_the_crop(crops):
    """A ball of radius r at distance d is r f / sqrt(d^2 - r^2) pixels large, whatever the crop."""
    batch = crops.batch(torch.arange(2))
    radius_px = (batch["mask"].sum((1, 2, 3)) / torch.pi).sqrt()
    for row, distance in enumerate((3.0, 3.3)):
        expected = 0.9 / (distance**2 - 0.81) ** 0.5 * batch["focal"][row]
        assert float(radius_px[row]) == pytest.approx(float(expected), rel=0.05)


def test_what_befalls_a_depth_map(crops):
    batch = crops.batch(torch.arange(6))
    many = [altered(batch, dice(seed)) for seed in range(40)]
    for one in many:
        assert torch.equal(one["depth"] > 0, one["mask"] > 0) and torch.equal(one["focal"], batch["focal"])
        assert (one["mask"].sum((1, 2, 3)) >= FEWEST_PIXELS).all()
        assert ((one["assumed"] / one["focal"]).log().abs() <= LONGEST_LOG + 1e-5).all()
    wrong = torch.cat([(one["assumed"] / one["focal"]).log() for one in many])
    assert wrong.std() == pytest.approx(LONGEST_LOG / 3**0.5, rel=0.1) and abs(float(wrong.mean())) < 0.2
    left = torch.cat([one["mask"].sum((1, 2, 3)) / batch["mask"].sum((1, 2, 3)) for one in many])
    assert 0.3 < float((left < 0.99).float().mean()) < 0.5, "two of five are cut"
    again = altered(batch, dice(3))
    assert all(torch.equal(again[name], many[3][name]) for name in again)


def test_a_depth_map_that_came_as_a_picture_has_few_steps_of_inverse_depth(crops):
    batch = crops.batch(torch.arange(6))
    generator = dice(1)
    depth = _quantized(batch["depth"], batch["mask"], lambda *shape: torch.rand(6, *shape, generator=generator))
    for one, before, mask in zip(depth, batch["depth"], batch["mask"] > 0, strict=True):
        inverse, true = 1 / one[mask], 1 / before[mask]
        levels = inverse.unique()
        assert 10 < len(levels) <= MOST_STEPS + 1
        assert (inverse - true).abs().max() <= 0.51 * (true.max() - true.min()) / FEWEST_STEPS
        torch.testing.assert_close(inverse.min(), true.min())
