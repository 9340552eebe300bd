"""Choices stay in their ranges and depend on the seed alone."""

import numpy as np
import pytest

from recon_lib.data.dice import Dice


def test_same_seeds_same_stream_and_streams_differ() -> None:
    draws = [[Dice(*seed).between(0, 1) for _ in range(1)] for seed in ((3, 0), (3, 0), (3, 1), (4, 0))]
    assert draws[0] == draws[1] and len({tuple(d) for d in draws}) == 3


def test_ranges() -> None:
    dice = Dice(0)
    assert {dice.count(1, 3) for _ in range(100)} == {1, 2, 3}
    assert all(2 <= dice.between(2, 5) < 5 for _ in range(100))
    values = np.array([dice.spread(4, 2) for _ in range(500)])
    assert values.min() >= 2 and values.max() <= 8
    assert np.log(values).mean() == pytest.approx(np.log(4), abs=0.1)
    assert {dice.pick("abc") for _ in range(100)} == set("abc")


def test_weights_are_frequencies() -> None:
    dice = Dice(1)
    drawn = [dice.weighted(("a", "b", "c"), (1, 3, 0)) for _ in range(2000)]
    assert drawn.count("b") / 2000 == pytest.approx(0.75, abs=0.04) and "c" not in drawn
    assert sum(dice.chance(0.2) for _ in range(2000)) / 2000 == pytest.approx(0.2, abs=0.04)
