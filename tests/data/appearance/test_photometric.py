import numpy as np
import pytest

from recon_lib.data.appearance.photometric import _blurred, _compressed, photograph, with_shadow

SIZE = 48


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def canvas():
    return rng(1).uniform(0, 1, (SIZE, SIZE, 3)).astype(np.float32)


def disk():
    at = np.arange(SIZE) - SIZE / 2 + 0.5
    return (np.hypot(at[:, None], at) < 10).astype(np.float32)


class TestPhotograph:
    def test_stays_a_picture_whatever_comes(self, canvas):
        for seed in range(60):
            image = photograph(canvas * 1.3 - 0.1, rng(seed))
            assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.float32
            assert image.min() >= 0 and image.max() <= 1 and np.isfinite(image).all()

    def test_the_seed_decides_and_the_canvas_is_left_alone(self, canvas):
        before = canvas.copy()
        first, again, other = (photograph(canvas, rng(seed)) for seed in (3, 3, 4))
        assert np.array_equal(first, again) and not np.array_equal(first, other)
        assert np.array_equal(canvas, before)

    def test_the_content_remains(self, canvas):
        smooth = _blurred(canvas, 6.0)
        ramp = np.clip(smooth * 0 + np.linspace(0.1, 0.9, SIZE)[:, None, None], 0, 1).astype(np.float32)
        alike = [
            np.corrcoef(ramp.mean(-1).ravel(), photograph(ramp, rng(seed)).mean(-1).ravel())[0, 1] for seed in range(40)
        ]
        assert min(alike) > 0.9

    def test_black_stays_dark_and_grey_stays_nearly_grey(self):
        black = [photograph(np.zeros((SIZE, SIZE, 3), np.float32), rng(seed)).mean() for seed in range(30)]
        assert max(black) < 0.05
        means = np.array(
            [photograph(np.full((SIZE, SIZE, 3), 0.5, np.float32), rng(seed)).mean((0, 1)) for seed in range(30)]
        )
        assert np.ptp(means, axis=1).max() < 0.35 and np.abs(means.mean(0) - 0.5).max() < 0.08


class TestShadow:
    def test_it_darkens_and_never_brightens(self, canvas):
        for seed in range(20):
            shaded = with_shadow(canvas, disk(), rng(seed))
            assert (shaded <= canvas + 1e-6).all() and (shaded >= 0).all()
            assert 0.008 < 1 - shaded.sum() / canvas.sum() < 0.1  # a seventh of the picture, by a tenth to seven tenths

    def test_it_lies_below_rather_than_above(self):
        white = np.ones((SIZE, SIZE, 3), np.float32)
        fall = [0.0, 0.0]
        for seed in range(40):
            dark = 1 - with_shadow(white, disk(), rng(seed))[..., 0]
            fall[0] += (dark * np.arange(SIZE)[:, None]).sum() / dark.sum() - (SIZE - 1) / 2
            fall[1] += (dark * np.arange(SIZE)).sum() / dark.sum() - (SIZE - 1) / 2
        assert fall[0] / 40 > 0.7 and abs(fall[1] / 40) < 1.0

    def test_nothing_casts_none(self, canvas):
        np.testing.assert_array_equal(with_shadow(canvas, np.zeros((SIZE, SIZE), np.float32), rng()), canvas)


def test_blur_keeps_the_mean_and_takes_the_grain(canvas):
    blurred = _blurred(canvas, 1.3)
    assert blurred.mean() == pytest.approx(canvas.mean(), abs=0.01)
    assert blurred.std() < 0.5 * canvas.std()


def test_compression_is_near_at_high_and_coarse_at_low_quality():
    ramp = np.linspace(0, 1, SIZE, dtype=np.float32)[:, None, None] * np.ones((1, SIZE, 3), np.float32)
    fine, coarse = (np.abs(_compressed(ramp, quality) - ramp).mean() for quality in (95, 10))
    assert fine < 0.01 < 2 * coarse and coarse > 2 * fine
