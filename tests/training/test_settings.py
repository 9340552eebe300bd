import math
from pathlib import Path

import pytest

from recon_lib.training.settings import TrainSettings, learning_rate

SETTINGS = TrainSettings(Path("shards"), Path("out"), rate=0.02, warmup=10)


@pytest.mark.parametrize(
    ("done", "step", "share"),
    [
        (0.0, 0, 0.1),
        (0.0, 4, 0.5),
        (0.0, 9, 1.0),
        (0.0, 500, 1.0),
        (0.5, 500, 0.505),
        (1.0, 500, 0.01),
        (1.3, 500, 0.01),
    ],
)
def test_warm_up_and_cosine(done, step, share):
    assert learning_rate(SETTINGS, done, step) == pytest.approx(0.02 * share)


def test_it_falls_all_the_way():
    rates = [learning_rate(SETTINGS, i / 50, 100) for i in range(51)]
    assert rates == sorted(rates, reverse=True)
    assert rates[25] - rates[26] == pytest.approx(0.02 * 0.495 * math.pi / 50, rel=0.01)


def test_settings_cannot_change_under_way():
    with pytest.raises(AttributeError):
        SETTINGS.rate = 1.0
