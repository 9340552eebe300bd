"""One texture for many parts: nothing bleeds, nothing overlaps, and what does not fit is reduced."""

import logging

import numpy as np
import pytest

from recon_lib.meshes.files import atlas
from recon_lib.meshes.files.atlas import make_atlas
from recon_lib.meshes.files.part import Part, Picture

TRIANGLE = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
FACES = np.array([[0, 1, 2]])
UVS = np.array([[0.0, 0], [1, 0], [0, 1]])


def noise(side: int, seed: int) -> Picture:
    return Picture(np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8))


def texel(made, uv):
    height, width = made.pixels.shape[:2]
    return made.pixels[int(uv[1] * height), int(uv[0] * width)]


def test_rectangles_do_not_overlap():
    sizes = np.random.default_rng(1).integers(1, 40, (200, 2))
    places, size = atlas._packed(sizes)
    used = np.zeros(size[::-1], int)
    for (x, y), (width, height) in zip(places, sizes, strict=True):
        used[y : y + height, x : x + width] += 1
    assert used.max() == 1
    assert used.sum() == sizes.prod(1).sum()
    assert used.mean() > 0.6


def test_each_part_shows_its_own_texels():
    pictures = [noise(side, side) for side in (4, 16, 7)]
    parts = [Part(TRIANGLE, FACES, UVS * 0.5 + 0.1, picture) for picture in pictures]
    made = make_atlas(parts)
    for k, picture in enumerate(pictures):
        for corner in range(3):
            x, y = (parts[k].uvs[corner] * len(picture.pixels)).astype(int)
            assert texel(made, made.uvs[3 * k + corner]).tolist() == picture.pixels[y, x].tolist()


def test_the_margin_goes_on_as_the_picture_does():
    """A renderer's bilinear look-up at the very edge finds what lies beyond it: the other side, or the same texel."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, 0], pixels[:, -1] = 255, 100
    for wrap, wanted in (("repeat", 100), ("clamp", 255), ("mirror", 255)):
        made = make_atlas(
            [Part(TRIANGLE, FACES, UVS, Picture(pixels, (wrap, wrap))), Part(TRIANGLE, FACES, UVS, noise(3, 0))]
        )
        step = np.array([0.5 / made.pixels.shape[1], 0])
        assert texel(made, made.uvs[0] + [0, 1e-4] - step).tolist() == [wanted] * 3


def test_too_much_is_reduced_and_told(monkeypatch, caplog):
    monkeypatch.setattr(atlas, "MAX_TEXELS", 60 * 60)
    with caplog.at_level(logging.WARNING):
        made = make_atlas([Part(TRIANGLE, FACES, UVS * 3, noise(64, seed)) for seed in range(2)])
    assert made.pixels.shape[0] * made.pixels.shape[1] <= 60 * 60
    assert "reduced to" in caplog.text
    assert made.uvs.min() >= 0
    assert made.uvs.max() <= 1


def test_repeats_beyond_counting_are_their_mean(caplog):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0] = 255
    made = make_atlas([Part(TRIANGLE, FACES, UVS * 1e6, Picture(pixels)), Part(TRIANGLE, FACES, UVS, noise(3, 0))])
    assert texel(made, made.uvs[1]).tolist() == [188, 188, 188]  # half of the light
    assert max(made.pixels.shape) < 100
    assert "mean colour" in caplog.text


def test_uvs_far_away_by_whole_repeats_cost_nothing():
    made = make_atlas([Part(TRIANGLE, FACES, UVS + 1000, noise(8, 0)), Part(TRIANGLE, FACES, UVS, noise(8, 1))])
    assert max(made.pixels.shape) < 50


@pytest.mark.parametrize("uvs", [UVS, UVS * 0])
def test_vertex_colours_are_met_at_the_corners(uvs):
    colors = np.eye(3)
    white = Picture(np.full((32, 32, 3), 255, np.uint8))
    made = make_atlas([Part(TRIANGLE, FACES, uvs, white, colors=colors)])
    if uvs.any():
        inwards = made.uvs + 0.02 * (made.uvs.mean(0) - made.uvs)
        assert [texel(made, uv).argmax() for uv in inwards] == [0, 1, 2]
