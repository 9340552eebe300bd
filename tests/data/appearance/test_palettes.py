"""Colours are colours, calm ones are calm."""

import colorsys

import pytest

from recon_lib.data.appearance.palettes import random_palette
from recon_lib.data.dice import Dice


@pytest.mark.parametrize("calm", [False, True])
def test_palettes_hold_the_asked_number_of_valid_colours(calm: bool) -> None:
    for seed in range(60):
        colors = random_palette(Dice(seed), seed % 7, calm)
        assert len(colors) == seed % 7
        assert all(0 <= channel <= 1 for color in colors for channel in color)


def test_calm_palettes_are_never_dark_nor_strong() -> None:
    hsv = [colorsys.rgb_to_hsv(*c) for seed in range(100) for c in random_palette(Dice(seed), 3, calm=True)]
    assert min(v for _, _, v in hsv) >= 0.25 - 1e-9
    assert max(s for _, s, _ in hsv) <= 0.7 + 1e-9


def test_same_seed_same_palette() -> None:
    assert random_palette(Dice(9), 5) == random_palette(Dice(9), 5) != random_palette(Dice(10), 5)
