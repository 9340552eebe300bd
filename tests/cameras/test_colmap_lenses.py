"""COLMAP's camera models as lenses; the models' formulas are written out here from its documentation."""

import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.colmap_lenses import NAMES, PARAMETERS, lens_of_model, pinhole_parameters
from recon_lib.errors import BadInput

X, Y = 0.3, -0.2
R2 = X * X + Y * Y
SEEN = {  # where (X, Y, 1) is seen, by each model's own formula
    "SIMPLE_PINHOLE": ((50, 24, 16), (50 * X + 24, 50 * Y + 16)),
    "PINHOLE": ((50, 55, 24, 16), (50 * X + 24, 55 * Y + 16)),
    "SIMPLE_RADIAL": ((50, 24, 16, 0.1), (50 * X * (1 + 0.1 * R2) + 24, 50 * Y * (1 + 0.1 * R2) + 16)),
    "RADIAL": (
        (50, 24, 16, 0.1, -0.05),
        (50 * X * (1 + 0.1 * R2 - 0.05 * R2**2) + 24, 50 * Y * (1 + 0.1 * R2 - 0.05 * R2**2) + 16),
    ),
    "OPENCV": (
        (50, 55, 24, 16, 0.1, -0.05, 0.01, 0.02),
        (
            50 * (X * (1 + 0.1 * R2 - 0.05 * R2**2) + 2 * 0.01 * X * Y + 0.02 * (R2 + 2 * X * X)) + 24,
            55 * (Y * (1 + 0.1 * R2 - 0.05 * R2**2) + 2 * 0.02 * X * Y + 0.01 * (R2 + 2 * Y * Y)) + 16,
        ),
    ),
    "FULL_OPENCV": (
        (50, 55, 24, 16, 0.1, -0.05, 0, 0, 0.02, 0.03, 0.04, 0.05),
        tuple(
            f * at * (1 + 0.1 * R2 - 0.05 * R2**2 + 0.02 * R2**3) / (1 + 0.03 * R2 + 0.04 * R2**2 + 0.05 * R2**3) + c
            for f, at, c in ((50, X, 24), (55, Y, 16))
        ),
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_point_is_seen_where_the_models_formula_says(name):
    values, pixel = SEEN[name]
    lens = lens_of_model(name, values, "Camera 1")
    point = torch.tensor([X, Y], dtype=torch.float64)
    point = point if lens.distortion is None else lens.distortion.distort(point)
    found = (lens.intrinsics @ torch.cat([point, torch.ones(1, dtype=torch.float64)]))[:2]
    assert found.tolist() == pytest.approx(pixel)


def test_every_perspective_model_is_read_and_every_other_refused():
    assert set(SEEN) == set(PARAMETERS)
    for name in (*(set(NAMES) - set(PARAMETERS)), "DIVISION", "number 99"):
        with pytest.raises(BadInput, match="image_undistorter"):
            lens_of_model(name, [1.0] * 8, "Camera 1")


def test_coefficients_of_nothing_are_no_distortion():
    assert lens_of_model("OPENCV", (50, 50, 24, 16, 0, 0, 0, 0), "Camera 1").distortion is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((50, 50, 24), "has 3 parameters; PINHOLE has 4"),
        ((0, 50, 24, 16), "focal length of Camera 1 is 0"),
        ((math.nan, 50, 24, 16), "focal length of Camera 1 is nan"),
        ((50, 50, math.inf, 16), "cx of Camera 1 is inf"),
    ],
)
def test_numbers_that_are_no_lens(values, sentence):
    with pytest.raises(BadInput, match=sentence):
        lens_of_model("PINHOLE", values, "Camera 1")


def test_pinhole_parameters():
    cameras = Cameras.orbit([0.0, 90.0], 0.0, 3.0, 90.0, 32, 48)
    expected = torch.tensor([[16.0, 16, 24, 16]] * 2, dtype=torch.float64)
    torch.testing.assert_close(pinhole_parameters(cameras), expected, atol=1e-5, rtol=0)
