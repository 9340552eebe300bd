"""Layers over parts: what they cover, what they leave, and gloss."""

import numpy as np
import pytest

from recon_lib.data.appearance.materials import RECIPES, Layer, Material, random_material
from recon_lib.data.appearance.patterns import PATTERNS

POINTS = np.random.default_rng(0).uniform(-1, 1, (2000, 3)).astype(np.float32)
PARTS = np.arange(2000) % 3
BASE = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1]])


def above(points: np.ndarray) -> np.ndarray:
    return (points[:, 1] > 0).astype(np.float32)


def test_plain_material_gives_each_part_its_colour() -> None:
    assert np.array_equal(Material(BASE).albedo(POINTS, PARTS), BASE[PARTS])


def test_part_numbers_beyond_the_colours_wrap() -> None:
    assert np.array_equal(Material(BASE).albedo(POINTS, PARTS + 3), BASE[PARTS])


def test_a_layer_covers_where_its_pattern_says_on_its_part_only() -> None:
    material = Material(BASE, (Layer(above, (1.0, 1.0, 1.0), 0.5, part=1),))
    expected = BASE[PARTS].copy()
    expected[(PARTS == 1) & (POINTS[:, 1] > 0)] = (0.5, 1.0, 0.5)
    np.testing.assert_allclose(material.albedo(POINTS, PARTS), expected)


def test_later_layers_lie_on_top() -> None:
    material = Material(BASE, (Layer(above, (1.0, 1.0, 1.0)), Layer(above, (0.2, 0.2, 0.2))))
    np.testing.assert_allclose(material.albedo(POINTS, PARTS)[POINTS[:, 1] > 0], 0.2, atol=1e-6)


def test_random_materials_are_valid_varied_and_deterministic() -> None:
    plain = 0
    for seed in range(80):
        material = random_material(seed, BASE)
        albedo = material.albedo(POINTS, PARTS)
        assert albedo.shape == (2000, 3) and albedo.dtype == np.float32
        assert albedo.min() >= -1e-5 and albedo.max() <= 1 + 1e-5
        assert np.array_equal(albedo, random_material(seed, BASE).albedo(POINTS, PARTS))
        assert 0 <= material.specular <= 1 and 0 < material.roughness <= 1
        plain += not material.layers
    assert 5 < plain < 40


def test_colours_are_drawn_when_none_are_given() -> None:
    material = random_material(3)
    assert 1 <= len(material.colors) <= 6


def test_rougher_means_a_wider_highlight() -> None:
    shininess = [Material(BASE, roughness=r).shininess for r in (0.25, 0.5, 0.85, 1.0)]
    assert shininess == sorted(shininess, reverse=True) and shininess[-1] > 0
    assert shininess[1] == pytest.approx(2 / 0.5**4 - 2, abs=0.01)


def test_recipes_name_known_patterns() -> None:
    assert {kind for recipe, _ in RECIPES for kind in recipe} <= set(PATTERNS)
