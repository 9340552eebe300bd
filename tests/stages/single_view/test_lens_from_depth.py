import logging

import pytest
import torch

from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.contracts import DensePrediction, InputSpec
from recon_lib.stages.single_view.lens import default_lens
from recon_lib.stages.single_view.lens_from_depth import LARGEST_FACTOR, lens_from_depth, relief_scale
from recon_lib.stages.single_view.object_crop import CropPrediction
from recon_lib.views.square_crop import SquareCrop

SIZE = 32
SPEC = InputSpec(SIZE)


def bowl() -> torch.Tensor:
    at = (torch.arange(SIZE) + 0.5) / SIZE - 0.5
    return (at**2 + at[:, None] ** 2)[None, None] + 0.3 * at[None, None, None]


def lens_found(true_focal: float, noise: float = 0.0, outliers: int = 0) -> float:
    """Focal length found for a relief that was photographed with `true_focal`, over the default one."""
    generator = torch.Generator().manual_seed(0)
    lens = default_lens(SIZE, SIZE)
    focal = float(lens[0, 0, 0])
    seen = bowl() + noise * torch.randn(1, 1, SIZE, SIZE, generator=generator)
    prediction = DensePrediction(DenseFeatures((seen * SIZE / focal).exp(), seen, seen), lens)
    depth = 5 * (bowl() * SIZE / (true_focal * focal)).exp()
    depth.view(-1)[:outliers] = 40.0
    found = lens_from_depth(CropPrediction(SquareCrop(0, 0, SIZE), prediction), depth, SPEC)
    return float(found[0, 0, 0]) / focal


@pytest.mark.parametrize("true_focal", [0.6, 1.0, 1.8])
def test_the_lens_is_found_of_which_depth_and_relief_agree(true_focal):
    assert lens_found(true_focal) == pytest.approx(true_focal, rel=0.02)
    assert lens_found(true_focal, outliers=60) == pytest.approx(true_focal, rel=0.05)


def test_without_a_relation_the_default_is_kept_and_no_change_is_larger_than_allowed(caplog):
    with caplog.at_level(logging.INFO, "recon3d"):
        assert lens_found(2.0, noise=5.0) == pytest.approx(1, abs=0.3)
    assert "degrees over the longer side assumed" in caplog.text
    assert lens_found(30.0) == pytest.approx(LARGEST_FACTOR, rel=1e-3)


def test_flat_depth_and_few_pixels_tell_nothing():
    flat = torch.zeros(50, dtype=torch.float64)
    assert relief_scale(flat, bowl().flatten()[:50].double()) == (1.0, 0.0)
    lens = default_lens(SIZE, SIZE)
    dense = DenseFeatures(bowl().exp(), bowl(), bowl())
    depth = torch.zeros(1, 1, SIZE, SIZE)
    depth[..., :2, :2] = 1
    found = lens_from_depth(CropPrediction(SquareCrop(0, 0, SIZE), DensePrediction(dense, lens)), depth, SPEC)
    assert torch.equal(found, lens)


def test_noise_of_the_prediction_has_no_bias():
    """Regressed the other way round, the focal length comes out shorter by the share of noise."""
    generator = torch.Generator().manual_seed(1)
    predicted = torch.randn(4000, generator=generator, dtype=torch.float64)
    true = 0.5 * (predicted + torch.randn(4000, generator=generator, dtype=torch.float64) * 0.7)
    scale, weight = relief_scale(true, predicted)
    assert scale == pytest.approx(2, rel=0.12) and 0.8 < weight < 0.97
