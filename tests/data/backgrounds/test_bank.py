import numpy as np
import pytest

from recon_lib.data.backgrounds import bank as background_bank
from recon_lib.data.backgrounds.bank import STORED_SIDE_FACTOR, BackgroundBank, draw_backgrounds
from recon_lib.data.backgrounds.draw import random_background
from recon_lib.errors import Interrupted
from recon_lib.progress import Progress


class TestDraw:
    def test_backgrounds_of_consecutive_seeds(self, tmp_path):
        progress = Progress()
        draw_backgrounds(tmp_path / "new" / "bank.npy", 3, size=20, seed=2, progress=progress)
        pictures = np.load(tmp_path / "new" / "bank.npy")
        side = round(20 * STORED_SIDE_FACTOR)
        assert pictures.shape == (3, 3, side, side) and pictures.dtype == np.uint8
        for i in range(3):
            np.testing.assert_array_equal(pictures[i], random_background(2_000_006 + i, side, side))
        assert (progress.done, progress.total) == (3, 3)
        assert [p.name for p in (tmp_path / "new").iterdir()] == ["bank.npy"]

    def test_photographs_are_used(self, tmp_path, monkeypatch):
        used = []
        monkeypatch.setattr(
            background_bank, "random_background",
            lambda seed, h, w, photos: used.append(photos) or np.zeros((3, h, w), np.uint8),
        )  # fmt: skip
        photo = np.zeros((9, 9, 3), np.uint8)
        draw_backgrounds(tmp_path / "bank.npy", 2, size=8, photos=[photo])
        assert all(photos[0] is photo for photos in used) and len(used) == 2

    def test_a_stop_leaves_nothing(self, tmp_path):
        class Stop(Progress):
            def check(self):
                if self.done == 1:
                    raise Interrupted

        with pytest.raises(Interrupted):
            draw_backgrounds(tmp_path / "bank.npy", 3, size=8, progress=Stop())
        assert not list(tmp_path.iterdir())


class TestBank:
    side, size = 13, 10

    @pytest.fixture
    def bank(self, tmp_path):
        """Two pictures whose values tell where a pixel lies (0-168); the second's channels are shifted by 20 each."""
        position = np.arange(self.side**2, dtype=np.uint8).reshape(self.side, self.side)
        one = np.stack([position] * 3)
        np.save(tmp_path / "bank.npy", np.stack([one, one + np.uint8([0, 20, 40])[:, None, None]]))
        return BackgroundBank(tmp_path / "bank.npy")

    def test_crops_of_stored_pictures(self, bank):
        mirrored, orders, corners = 0, set(), set()
        for seed in range(200):
            crop = bank(np.random.default_rng(seed), self.size).astype(int)
            assert crop.shape == (3, self.size, self.size)
            base = crop[crop[:, 0, 0].argmin()]
            orders.add(tuple(crop[:, 0, 0] - base[0, 0]))
            flipped = base[0, 1] < base[0, 0]
            mirrored += flipped
            straight = base[:, ::-1] if flipped else base
            y, x = divmod(straight[0, 0], self.side)
            corners.add((y, x))
            expected = (y + np.arange(self.size))[:, None] * self.side + x + np.arange(self.size)
            np.testing.assert_array_equal(straight, expected)
        assert 60 < mirrored < 140
        assert {(0, 0, 0), (0, 20, 40)} < orders and len(orders) == 7
        assert {y for y, _ in corners} == {x for _, x in corners} == {0, 1, 2, 3}

    def test_the_seed_decides(self, bank):
        first, again = (bank(np.random.default_rng(5), 6) for _ in range(2))
        np.testing.assert_array_equal(first, again)
