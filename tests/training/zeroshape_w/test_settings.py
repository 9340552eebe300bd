from dataclasses import replace
from pathlib import Path

import pytest

from recon_lib.training.schedule import rate_factor
from recon_lib.training.zeroshape_w.settings import TrainSettings

SETTINGS = TrainSettings(Path("shards"), Path("out"), warmup=10, fall=0.4)


@pytest.mark.parametrize(
    ("done", "step", "share"),
    [
        (0.0, 0, 0.1),
        (0.0, 4, 0.5),
        (0.0, 9, 1.0),
        (0.0, 500, 1.0),
        (0.4, 500, 1.0),
        (0.7, 500, 0.505),
        (0.7, 4, 0.2525),
        (1.0, 500, 0.01),
        (1.3, 500, 0.01),
    ],
)
def test_rates_rise_stay_and_fall(done, step, share):
    assert rate_factor(SETTINGS, done, step) == pytest.approx(share)


def test_the_fall_is_a_straight_line():
    shares = [rate_factor(SETTINGS, i / 50, 100) for i in range(51)]
    assert shares[:21] == [1.0] * 21
    steps = [before - after for before, after in zip(shares[20:], shares[21:], strict=False)]
    assert steps == pytest.approx([0.99 / 30] * 30)


@pytest.mark.parametrize(
    ("done", "side"), [(0.0, 64), (0.499, 64), (0.5, 96), (0.849, 96), (0.85, 128), (1.0, 128), (1.2, 128)]
)
def test_pictures_grow(done, side):
    assert SETTINGS.side(done) == side


def test_sides_of_ones_own():
    settings = replace(SETTINGS, sides=((0.0, 32), (0.6, 112)))
    assert [settings.side(done) for done in (0.0, 0.59, 0.6, 1.0)] == [32, 32, 112, 112]


def test_every_side_is_one_that_the_network_takes():
    starts, sides = zip(*SETTINGS.sides, strict=True)
    assert starts[0] == 0 and list(starts) == sorted(starts) and all(side % 16 == 0 for side in sides)


def test_settings_cannot_change_under_way():
    with pytest.raises(AttributeError):
        SETTINGS.rate = 1.0


@pytest.mark.parametrize(("done", "side"), [(0.0, 96), (0.69, 96), (0.7, 128), (1.0, 128)])
def test_a_run_that_goes_on_from_weights_leaves_out_the_smallest_pictures(done, side):
    assert replace(SETTINGS, init=Path("weights.safetensors")).side(done) == side
