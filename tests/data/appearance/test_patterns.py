"""Solid textures: coverage in range, true to their kind, the same for the same dice."""

import numpy as np
import pytest

from recon_lib.data.appearance.patterns import PATTERNS, random_pattern, value_noise
from recon_lib.data.dice import Dice

POINTS = np.random.default_rng(0).uniform(-1, 1, (3000, 3)).astype(np.float32)


@pytest.mark.parametrize("kind", PATTERNS)
def test_coverage_is_a_share_and_deterministic(kind: str) -> None:
    seen = []
    for seed in range(12):
        cover = random_pattern(Dice(seed), kind)(POINTS)
        assert cover.shape == (3000,)
        assert cover.min() >= -1e-6 and cover.max() <= 1 + 1e-6
        assert np.array_equal(cover, random_pattern(Dice(seed), kind)(POINTS))
        seen.append(cover)
    assert np.concatenate(seen).std() > 0.05  # not plain


@pytest.mark.parametrize("kind", PATTERNS)
def test_coverage_is_a_function_of_place_alone(kind: str) -> None:
    pattern = random_pattern(Dice(4), kind)
    order = np.random.default_rng(1).permutation(len(POINTS))
    np.testing.assert_allclose(pattern(POINTS[order]), pattern(POINTS)[order], atol=2e-5)


def test_noise_is_smooth_and_takes_its_corner_values() -> None:
    line = np.stack([np.linspace(-3, 3, 6001), np.full(6001, 0.3), np.full(6001, -1.7)], -1).astype(np.float32)
    noise = value_noise(line, 5)
    assert noise.min() >= 0 and noise.max() <= 1
    assert np.abs(np.diff(noise)).max() < 0.003  # slope at most 1.5 per cell, steps of 0.001
    corner = value_noise(np.array([[2.0, -1.0, 4.0]], np.float32), 5)
    beside = value_noise(np.array([[2.0, -1.0, 4.0]], np.float32) + 1e-4, 5)
    np.testing.assert_allclose(corner, beside, atol=1e-4)


def test_noise_fills_its_range_evenly() -> None:
    corners = np.random.default_rng(2).integers(-50, 50, (5000, 3)).astype(np.float32)
    histogram, _ = np.histogram(value_noise(corners, 1), bins=10, range=(0, 1))
    assert histogram.min() > 350 and histogram.max() < 680


def test_stripes_along_y_do_not_depend_on_x() -> None:
    for seed in range(60):  # straight stripes across y are among them
        cover = random_pattern(Dice(seed), "stripes")
        moved = POINTS + np.float32([0.3, 0.0, 0.2])
        if np.allclose(cover(POINTS), cover(moved), atol=1e-4):
            return
    pytest.fail("no stripe pattern runs straight across y")
