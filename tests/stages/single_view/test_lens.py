import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.contracts import DensePrediction
from recon_lib.stages.single_view.lens import (
    DEFAULT_FOV,
    default_lens,
    fov_of,
    lens_from_fov,
    lenses_of,
    through_lens,
)


@pytest.mark.parametrize("size", [(300, 400), (400, 300)])
def test_default_lens_is_over_the_longer_side(size):
    lens = default_lens(*size)
    assert float(lens[0, 0, 0]) == pytest.approx(200 / math.tan(math.radians(DEFAULT_FOV / 2)))
    assert lens[0, :2, 2].tolist() == [size[1] / 2, size[0] / 2]
    assert fov_of(lens, *size) == pytest.approx(DEFAULT_FOV, rel=1e-5)


def test_an_impossible_field_of_view_is_told():
    with pytest.raises(BadInput, match="between 0 and 180"):
        lens_from_fov(180.0, 30, 40)


def test_lenses_of_cameras_at_the_photos_size():
    cameras = Cameras.orbit(30.0, 10.0, 3.0, 40.0, 150, 200)
    lens = lenses_of(cameras, 2, 300, 400)
    assert lens.shape == (2, 3, 3)
    torch.testing.assert_close(lens[1], cameras.resized(300, 400).intrinsics[0])


@pytest.mark.parametrize(
    ("cameras", "told"),
    [
        (Cameras.orbit([0.0, 1.0, 2.0], 0.0, 3.0, 40.0, 30, 40), "3 cameras and 2 photos"),
        (Cameras.orbit(0.0, 0.0, 3.0, 40.0, 40, 40), "very photo"),
        (Cameras(torch.eye(4)[None], -torch.eye(3)[None], 30, 40), "above 0"),
    ],
)
def test_cameras_that_do_not_fit_are_told(cameras, told):
    with pytest.raises(BadInput, match=told):
        lenses_of(cameras, 2, 30, 40)


def test_through_a_longer_lens_the_same_relief_is_less_of_the_depth():
    relief = torch.linspace(-0.3, 0.3, 16).reshape(1, 1, 4, 4)
    lens = torch.tensor([[[2.0, 0, 2], [0, 2, 2], [0, 0, 1]]])
    features = DenseFeatures((relief / 2).exp(), relief, relief)
    longer = lens * torch.tensor([2.0, 2.0, 1.0])[:, None]
    prediction = through_lens(DensePrediction(features, lens), longer)
    torch.testing.assert_close(prediction.dense.depth, (relief / 4).exp())
    assert torch.equal(prediction.intrinsics, longer)
