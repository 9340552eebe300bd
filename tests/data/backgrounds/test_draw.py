"""Backgrounds: shape, range, determinism, variety, crops of photographs, perspective of rooms."""

import math

import numpy as np
import pytest

from recon_lib.data.backgrounds.draw import KINDS, enlarge, photo_crop, random_background
from recon_lib.data.backgrounds.rooms import Viewer
from recon_lib.data.dice import Dice


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 128), (50, 33), (256, 256)])
def test_shape_and_type(height: int, width: int) -> None:
    for seed in range(12):
        image = random_background(seed, height, width)
        assert image.shape == (3, height, width) and image.dtype == np.uint8
        assert image.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_every_kind_draws_finite_colours(kind) -> None:
    for seed in range(15):
        image = kind(Dice(seed), 40, 56)
        assert image.shape == (40, 56, 3) and np.isfinite(image).all()
        assert image.min() > -0.5 and image.max() < 3


def test_same_seed_same_background_and_seeds_differ() -> None:
    images = [random_background(seed, 48, 48) for seed in range(30)]
    assert all(np.array_equal(image, random_background(i, 48, 48)) for i, image in enumerate(images))
    means = np.array([image.mean((1, 2)) for image in images])
    assert means.std(0).min() > 25
    assert sum(image.std() > 10 for image in images) > 20


def test_photographs_are_used_for_some() -> None:
    photo = np.zeros((90, 160, 3), np.uint8)
    photo[..., 0] = 255  # pure red is in no palette crop's mean
    red = [random_background(seed, 32, 32, [photo]).astype(float).mean((1, 2)) for seed in range(100)]
    share = np.mean([r[0] > 120 and r[1] < 60 and r[2] < 60 for r in red])
    assert 0.15 < share < 0.5


def test_crop_is_a_window_of_the_photograph() -> None:
    ramp = np.repeat(np.linspace(0, 255, 200).astype(np.uint8)[None, :, None], 100, 0).repeat(3, 2)
    for seed in range(10):
        crop = photo_crop(Dice(seed), 32, 48, ramp)
        columns = crop[:, :, 0].mean(0)
        slope = np.diff(columns)
        assert (slope >= -1e-3).all() or (slope <= 1e-3).all()  # mirrored or not
        assert abs(columns[-1] - columns[0]) < 0.85  # never the whole width: the crop keeps its proportions


def test_enlarge_keeps_constants_and_ramps() -> None:
    assert np.allclose(enlarge(np.full((3, 2, 2), 0.25), 17, 30), 0.25, atol=1e-6)
    ramp = enlarge(np.linspace(0, 1, 5)[:, None, None], 50, 4)[:, 0, 0]
    assert (np.diff(ramp) >= 0).all() and ramp[0] == pytest.approx(0) and ramp[-1] == pytest.approx(1)


def test_room_viewer_projects_what_its_rays_see() -> None:
    viewer = Viewer(0.3, 0.2, 0.05, math.tan(math.radians(25)))
    x, y, z = viewer.rays(24, 32)
    points = np.stack([x, y, z], -1).reshape(-1, 3) * 2.5
    pixels = viewer.project(points, 24, 32)
    columns, rows = np.meshgrid(np.arange(32) + 0.5, np.arange(24) + 0.5)
    np.testing.assert_allclose(pixels[:, 0], columns.ravel(), atol=1e-3)
    np.testing.assert_allclose(pixels[:, 1], rows.ravel(), atol=1e-3)
    np.testing.assert_allclose(pixels[:, 2], 2.5, atol=1e-5)


def test_level_viewer_looks_ahead_with_up_up() -> None:
    x, y, z = Viewer(0.0, 0.0, 0.0, 1.0).rays(11, 11)
    assert (x[5, 5], y[5, 5], z[5, 5]) == pytest.approx((0, 0, 1), abs=1e-6)
    assert y[0, 5] > 0 > y[10, 5] and x[5, 10] > 0
    x, y, z = Viewer(0.0, 0.5, 0.0, 1.0).rays(11, 11)
    assert y[5, 5] == pytest.approx(-math.sin(0.5), abs=1e-6)  # tilt looks down
    x, y, z = Viewer(0.5, 0.0, 0.0, 1.0).rays(11, 11)
    assert x[5, 5] == pytest.approx(math.sin(0.5), abs=1e-6)  # turn looks right
