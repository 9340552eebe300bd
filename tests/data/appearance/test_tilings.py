"""Flat textures: range, shape, determinism."""

import numpy as np

from recon_lib.data.appearance.tilings import tiling
from recon_lib.data.dice import Dice


def test_tilings_give_shares_of_any_shape() -> None:
    u, v = np.meshgrid(np.linspace(-3, 3, 50, dtype=np.float32), np.linspace(0, 2, 40, dtype=np.float32))
    spread = []
    for seed in range(80):
        cover = tiling(Dice(seed), u, v)
        assert cover.shape == u.shape
        assert cover.min() >= 0 and cover.max() <= 1
        assert np.array_equal(cover, tiling(Dice(seed), u, v))
        np.testing.assert_allclose(tiling(Dice(seed), u.ravel(), v.ravel()), cover.ravel())
        spread.append(cover.std())
    assert np.mean(np.array(spread) > 0.05) > 0.6
