from dataclasses import replace

import numpy as np
import pytest

from recon_lib.data.appearance.shading import Lighting, random_lighting, shade

EXPOSED = 1.35  # what `shade` multiplies radiance with
UP, AHEAD = np.float32([[0, 1, 0]]), np.float32([[0, 0, 1]])
DARK = Lighting(
    np.float32([[0, 0, 1], [0, 1, 0]]), np.zeros((2, 3), np.float32), np.zeros(3), np.zeros(3), 0.0, 8.0, 1.0, 1.0
)


def linear(color):
    return color**2.2


def one(albedo, normals, light, lit=1.0, eye=AHEAD):
    return shade(np.full((1, 3), albedo, np.float32), normals, eye, np.float32([lit]), light)[0]


def test_a_lamp_straight_ahead():
    light = replace(DARK, colors=np.float32([[0.4, 0.2, 0.0], [0, 0, 0]]))
    np.testing.assert_allclose(
        linear(one(0.5, AHEAD, light)), linear(0.5) * np.float64([0.4, 0.2, 0]) * EXPOSED, rtol=1e-4
    )


def test_lambert_and_the_dark_side():
    light = replace(DARK, colors=np.float32([[0.4] * 3, [0] * 3]))
    tilted = np.float32([[0, 0.8, 0.6]])
    np.testing.assert_allclose(linear(one(0.7, tilted, light)), linear(0.7) * 0.4 * 0.6 * EXPOSED, rtol=1e-4)
    assert not one(0.7, -AHEAD, light).any()


def test_sky_above_ground_below():
    light = replace(DARK, sky=np.float32([0.6] * 3), ground=np.float32([0.2] * 3))
    for normal, ambient in ((UP, 0.6), (-UP, 0.2), (AHEAD, 0.4)):
        np.testing.assert_allclose(linear(one(0.5, normal, light)), linear(0.5) * ambient * EXPOSED, rtol=1e-4)


@pytest.mark.parametrize(
    ("shadow", "lit", "left"), [(1.0, 0.0, 0.0), (0.5, 0.0, 0.5), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)]
)
def test_shadows_take_the_first_lamp_alone(shadow, lit, left):
    normal = np.float32([[0, 0.6, 0.8]])
    light = replace(DARK, colors=np.float32([[0.3] * 3, [0.2] * 3]), shadow=shadow)
    wanted = linear(0.5) * (left * 0.3 * 0.8 + 0.2 * 0.6) * EXPOSED
    np.testing.assert_allclose(linear(one(0.5, normal, light, lit)), wanted, rtol=1e-4)


def test_gloss_is_on_black_too_and_fades_by_its_exponent():
    light = replace(DARK, colors=np.float32([[0.5] * 3, [0] * 3]), specular=0.4)
    np.testing.assert_allclose(linear(one(0.0, AHEAD, light)), 0.4 * 0.5 * EXPOSED, rtol=1e-4)
    half = np.cos(np.radians(15))  # lamp ahead, eye 30 degrees off: the half vector is 15 degrees off
    eye = np.float32([[0, np.sin(np.radians(30)), np.cos(np.radians(30))]])
    found = linear(one(0.0, AHEAD, light, eye=eye))
    np.testing.assert_allclose(found, 0.4 * 0.5 * half**8 * EXPOSED, rtol=1e-3)


def test_exposure_scales_and_white_is_the_end():
    light = replace(DARK, colors=np.float32([[0.2] * 3, [0] * 3]))
    brighter = one(0.5, AHEAD, replace(light, exposure=2.0))
    np.testing.assert_allclose(linear(brighter), 2 * linear(one(0.5, AHEAD, light)), rtol=1e-4)
    assert (one(0.9, AHEAD, replace(light, exposure=100.0)) == 1).all()


EYE = np.float32([0.6, 0, 0.8])


class TestRandomLighting:
    lights = [random_lighting(np.random.default_rng(seed), EYE) for seed in range(300)]

    def test_it_follows_its_seed(self):
        again = random_lighting(np.random.default_rng(7), EYE)
        np.testing.assert_array_equal(again.directions, self.lights[7].directions)
        assert again.shininess == self.lights[7].shininess

    def test_one_to_four_lamps_with_unit_directions(self):
        assert {len(light.directions) for light in self.lights} == {1, 2, 3, 4}
        for light in self.lights:
            np.testing.assert_allclose(np.linalg.norm(light.directions, axis=1), 1, atol=1e-5)
            assert light.colors.shape == light.directions.shape and (light.colors >= 0).all()

    def test_mostly_from_above_and_from_the_camera(self):
        directions = np.concatenate([light.directions for light in self.lights])
        assert (directions[:, 1] > 0).mean() > 0.65
        assert (directions @ EYE > 0).mean() > 0.65

    def test_ranges(self):
        shadows = np.array([light.shadow for light in self.lights])
        assert 0.1 < (shadows == 0).mean() < 0.4 and shadows[shadows > 0].min() >= 0.2 and shadows.max() <= 1
        assert all(0 <= light.specular <= 0.6 and 4 <= light.shininess <= 120 for light in self.lights)
        assert all((light.sky > 0).all() and (light.ground < light.sky * 1.2).all() for light in self.lights)
        assert {light.specular == 0 for light in self.lights} == {True, False}
