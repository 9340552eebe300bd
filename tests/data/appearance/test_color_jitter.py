import numpy as np

from recon_lib.data.appearance.color_jitter import BRIGHTNESS, jittered

GREY = np.full((3, 4, 4), 0.5, np.float32)


def jitters(image, count=200):
    return np.stack([jittered(image, np.random.default_rng(seed)) for seed in range(count)])


def test_grey_stays_grey_and_is_as_bright_as_allowed():
    made = jitters(GREY)
    assert np.ptp(made, axis=1).max() < 1e-3
    assert made.min() < 0.5 * (1 - 0.9 * BRIGHTNESS) and made.max() > 0.5 * (1 + 0.9 * BRIGHTNESS)
    assert made.min() >= 0.5 * (1 - BRIGHTNESS) - 1e-3 and made.max() <= 0.5 * (1 + BRIGHTNESS) + 1e-3


def test_a_colour_takes_every_hue():
    red = GREY + np.float32([0.2, -0.1, -0.1])[:, None, None]
    strongest = jitters(red)[:, :, 0, 0].argmax(1)
    assert np.bincount(strongest, minlength=3).min() > 30


def test_the_range_holds_and_the_same_seed_repeats():
    image = np.random.default_rng(0).random((3, 8, 8), np.float32)
    made = jitters(image, 20)
    assert made.dtype == np.float32 and made.min() >= 0 and made.max() <= 1
    np.testing.assert_array_equal(made, jitters(image, 20))
