from dataclasses import fields, replace

import numpy as np
import pytest

from recon_lib.data.shards import scenes
from recon_lib.data.shards.cutouts import Library
from recon_lib.data.shards.scenes import (
    MAX_SIDE,
    MAX_VISIBLE,
    MIN_SIDE,
    MIN_VISIBLE,
    SceneMix,
    compose_scene,
    prominence,
)  # fmt: skip
from recon_lib.views.square_crop import OBJECT_SHARE
from tests.helpers.tiny_shards import AXES, write_ellipsoids

SIZE = 64
MIXED, CLEAN = SceneMix(), SceneMix(clean=1.0)
OPEN = SceneMix(clean=0.0, occluded=0.0, truncated=0.0, clutter=0.0)
CLOSE = SceneMix(clean=0.3, occluded=0.7, truncated=0.0, close=True)
OCCLUDED = SceneMix(clean=0.0, occluded=1.0, truncated=0.0, clutter=0.5)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Library(write_ellipsoids(tmp_path_factory.mktemp("scenes"), views=2))


def grey(rng, size):
    return np.full((3, size, size), 128, np.uint8)


def scene(library, seed, mix=MIXED, background=grey):
    return compose_scene(library, library.item(seed % len(library)), seed, SIZE, mix, background)


@pytest.fixture(scope="module")
def occluded(library):
    return [scene(library, seed, OCCLUDED) for seed in range(40)]


@pytest.fixture(scope="module")
def close(library):
    return [scene(library, seed, CLOSE) for seed in range(40)]


class TestEveryScene:
    @pytest.mark.parametrize("mix", [MIXED, CLEAN, OCCLUDED, CLOSE])
    def test_shapes_and_ranges(self, library, mix):
        made = scene(library, 3, mix)
        assert made.image.shape == (3, SIZE, SIZE) and made.image.dtype == np.float32
        assert made.image.min() >= 0 and made.image.max() <= 1
        assert made.normals.shape == (3, SIZE, SIZE) and made.depth.shape == made.thickness.shape == (SIZE, SIZE)
        assert {made.mask.dtype, made.amodal.dtype, made.occluder.dtype} == {np.dtype(bool)}
        assert made.item == library.item(3)

    def test_one_seed_one_scene(self, library):
        first, again, other = (scene(library, seed, background=None) for seed in (4, 4, 4 + len(library)))
        for field in fields(first):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(again, field.name))
        assert not np.array_equal(first.image, other.image)

    def test_seen_and_hidden_are_disjoint_and_make_up_the_object(self, occluded):
        for made in occluded:
            assert not (made.mask & made.occluder).any()
            np.testing.assert_array_equal(made.mask | (made.amodal & made.occluder), made.amodal)

    def test_every_pixel_of_the_object_has_its_depth_and_normal(self, occluded):
        for made in occluded:
            assert (made.depth[made.amodal] > 0).all()
            assert (made.thickness >= 0).all() and not made.thickness[made.depth == 0].any()
            assert 0.3 < made.thickness[made.amodal].max() < 2 and np.isfinite(made.thickness).all()
            np.testing.assert_allclose(np.linalg.norm(made.normals[:, made.amodal], axis=0), 1, atol=0.02)

    def test_depth_camera_and_pose_put_the_object_where_it_is(self, library, occluded):
        for seed, made in enumerate(occluded[:12]):
            rows, columns = np.nonzero(made.amodal)
            pixels = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], 1)
            camera = pixels @ np.linalg.inv(made.intrinsics).T * made.depth[made.amodal][:, None]
            pose = made.world_to_camera
            world = (camera - pose[:3, 3]) @ pose[:3, :3]
            axes = AXES[int(library.shard(0).object[library.item(seed % len(library))[1]])]
            radius = np.linalg.norm(world / axes, axis=1)
            assert np.abs(radius - 1).mean() < 0.05 and np.abs(radius.mean() - 1) < 0.03


class TestMix:
    def test_clean_scenes_have_one_colour_behind_and_nothing_in_front(self, library, monkeypatch):
        monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
        monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
        whites = 0
        for seed in range(12):
            made = scene(library, seed, CLEAN)
            assert not made.occluder.any()
            np.testing.assert_array_equal(made.mask, made.amodal)
            behind = made.image[:, made.depth == 0]
            colors, counts = np.unique(np.round(behind, 4), axis=1, return_counts=True)
            assert counts.max() > 0.85 * counts.sum()  # the others are the object's soft edge
            whites += bool((colors[:, counts.argmax()] == 1).all())
        assert 2 <= whites <= 10

    def test_open_scenes_show_the_background(self, library, monkeypatch):
        monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
        monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
        made = scene(library, 1, OPEN)
        behind = made.image[:, made.depth == 0]
        assert (np.abs(behind - 128 / 255) < 1e-3).all(0).mean() > 0.8
        assert not made.occluder.any() and made.mask.any()

    def test_the_object_keeps_within_its_sizes(self, library):
        for seed in range(30):
            made = scene(library, seed, OPEN)
            rows, columns = np.flatnonzero(made.amodal.any(1)), np.flatnonzero(made.amodal.any(0))
            side = (max(np.ptp(rows), np.ptp(columns)) + 1) / SIZE
            assert MIN_SIDE - 2.5 / SIZE <= side <= MAX_SIDE + 1 / SIZE

    def test_only_truncated_objects_are_cut_off(self, library):
        def cut(mix):
            count = 0
            for seed in range(40):
                amodal = scene(library, seed, mix).amodal
                border = np.concatenate([amodal[0], amodal[-1], amodal[:, 0], amodal[:, -1]])
                count += border.sum() > 4
            return count

        whole = cut(OPEN)
        assert cut(SceneMix(clean=0.0, occluded=0.0, truncated=1.0)) > whole + 8

    def test_occluders_leave_enough_to_be_seen(self, occluded):
        shares = np.array([made.mask.sum() / made.amodal.sum() for made in occluded])
        hidden = np.array([made.occluder.any() for made in occluded])
        assert hidden.mean() > 0.6
        assert (shares > MIN_VISIBLE - 0.04).all()
        assert (shares[hidden] < MAX_VISIBLE + 0.04).all()
        assert shares[hidden].min() < 0.6 and shares[~hidden].min(initial=1.0) == 1

    def test_the_object_takes_more_of_the_middle_than_what_hides_it(self, occluded):
        for made in occluded:
            seen, whole = (prominence(part.astype(np.float32)) for part in (made.mask, made.amodal))
            assert prominence(made.occluder.astype(np.float32)) < (seen + whole) / 2 + 0.01

    def test_clutter_takes_less_of_the_middle_than_the_object(self, library, monkeypatch):
        """Pasted in a colour of its own, clutter is counted in the picture."""
        monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
        monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
        cluttered, found = SceneMix(clean=0.0, occluded=0.0, truncated=0.0, clutter=1.0), 0
        for seed in range(20):
            made = scene(library, seed, cluttered)
            other = (np.abs(made.image - 128 / 255) > 0.05).any(0) & ~made.amodal
            found += other.sum() > 60
            pieces = 3  # at most, each less than the object
            assert prominence(other.astype(np.float32)) < 1.05 * pieces * prominence(made.amodal.astype(np.float32))
        assert found > 10

    def test_occluders_are_pasted_over_the_picture(self, library, monkeypatch):
        """Without light and camera, a pixel wholly covered shows the colour of some object of the library."""
        monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
        monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
        from tests.helpers.tiny_shards import COLORS

        found = 0
        for seed in range(10):
            made = scene(library, seed, OCCLUDED)
            pixels = made.image[:, made.occluder].T
            near = np.abs(pixels[:, None] - np.float32(COLORS)).max(-1).min(1) < 0.02
            found += len(near) > 0
            assert len(near) < 50 or near.mean() > 0.7
        assert found > 5

    def test_frequencies(self, library):
        made = [scene(library, seed) for seed in range(120)]
        hidden = np.mean([s.occluder.any() for s in made])
        assert 0.3 < hidden < 0.65  # 0.75 of the scenes are not clean, some 0.6 of those have an occluder

    def test_clutter_changes_what_is_behind(self, library, monkeypatch):
        monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
        monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
        made = scene(library, 2, SceneMix(clean=0.0, occluded=0.0, truncated=0.0, clutter=1.0))
        behind = made.image[:, made.depth == 0]
        assert (np.abs(behind - 128 / 255) > 0.05).any(0).sum() > 30


class TestClose:
    def test_the_object_is_in_the_middle(self, close):
        off = []
        for made in close:
            for axis in (0, 1):
                ends = np.flatnonzero(made.amodal.any(axis))[[0, -1]]
                off.append((ends.mean() + 0.5) / SIZE - 0.5)
        assert abs(np.mean(off)) < 0.02 and 0.015 < np.std(off) < 0.06

    def test_it_is_about_as_large_as_in_an_object_crop(self, close):
        sides = []
        for made in close:
            spans = [np.ptp(np.flatnonzero(made.amodal.any(axis))) + 1 for axis in (0, 1)]
            sides.append(max(spans) / SIZE)
        low, high = scenes.CROP_SIDES
        assert low - 2.5 / SIZE <= min(sides) and max(sides) <= high + 1 / SIZE
        assert low < OBJECT_SHARE < high and np.ptp(sides) > 0.2

    def test_behind_it_is_one_colour_and_occluders_still_hide_it(self, library, monkeypatch):
        monkeypatch.setattr(scenes, "photograph", lambda canvas, rng: canvas)
        monkeypatch.setattr(scenes, "with_shadow", lambda canvas, alpha, rng: canvas)
        hidden = []
        for seed in range(20):
            made = scene(library, seed, replace(CLOSE, clean=0.0), background=None)
            behind = made.image[:, (made.depth == 0) & ~made.occluder]
            _, counts = np.unique(np.round(behind, 4), axis=1, return_counts=True)
            assert counts.max() > 0.6 * counts.sum()  # the others are soft edges
            hidden.append(bool((made.occluder & made.amodal).any()))
        assert 0.4 < np.mean(hidden) < 1

    def test_clean_ones_have_nothing_in_front(self, library):
        assert not any(scene(library, seed, replace(CLOSE, clean=1.0)).occluder.any() for seed in range(12))

    def test_no_background_is_drawn_for_it(self, library):
        def never(rng, size):
            raise AssertionError

        made = [scene(library, seed, CLOSE, background=never) for seed in range(8)]
        assert any(m.occluder.any() for m in made)


def test_a_drawn_background_is_the_default(library, monkeypatch):
    drawn = []
    monkeypatch.setattr(scenes, "random_background", lambda seed, h, w: drawn.append((h, w)) or grey(None, h))
    scene(library, 0, OPEN, background=None)
    assert drawn == [(SIZE, SIZE)]


class TestProminence:
    def test_the_middle_counts_most(self):
        middle, corner = np.zeros((40, 40), np.float32), np.zeros((40, 40), np.float32)
        middle[15:25, 15:25] = corner[:10, :10] = 1
        assert prominence(middle) > 4 * prominence(corner) > 0

    def test_the_whole_picture(self):
        """The integral of a Gaussian of standard deviation 1/4 over a unit square about its centre."""
        from math import erf, pi, sqrt

        expected = 2 * pi * 0.25**2 * erf(0.5 / 0.25 / sqrt(2)) ** 2
        for size in (32, 90):
            assert prominence(np.ones((size, size), np.float32)) == pytest.approx(expected, rel=1e-3)
