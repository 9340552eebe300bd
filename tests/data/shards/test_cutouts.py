from dataclasses import fields

import numpy as np
import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.data.shards.cutouts import Cutout, Layer, Library, paste, place
from recon_lib.errors import BadInput
from tests.helpers.tiny_shards import AXES, POINTS, ellipsoid_render, inside_ellipsoid, write_ellipsoids


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    write_ellipsoids(folder / "first", views=2, placed=True)
    write_ellipsoids(folder / "second", views=1, placed=True)
    return Library(folder)


def rng(seed=0):
    return np.random.default_rng(seed)


class TestLibrary:
    def test_items_run_through_the_shards(self, library):
        assert len(library) == 9
        assert [library.item(i) for i in (0, 5, 6, 8)] == [(0, 0), (0, 5), (1, 0), (1, 2)]

    def test_a_cutout_is_its_row(self, library):
        cutout, shard = library.cutout((1, 2)), library.shard(1)
        for field in fields(Cutout):
            np.testing.assert_array_equal(getattr(cutout, field.name), getattr(shard, field.name)[2])

    def test_random_reaches_every_row(self, library):
        dice = rng()
        drawn = {library.random(dice).rgb.tobytes() for _ in range(120)}
        assert len(drawn) == 8  # camera 0 shows the same in both shards

    def test_points_carry_their_own_objects_labels(self, library):
        for item, axes in (((0, 1), AXES[0]), ((0, 4), AXES[2]), ((1, 1), AXES[1])):
            points, inside = library.points(item, 300, rng(3))
            assert points.shape == (300, 3) and (points.dtype, inside.dtype) == (np.float32, bool)
            np.testing.assert_array_equal(inside, inside_ellipsoid(points, axes))

    def test_points_run_over_the_end_of_the_bank(self, library):
        points, inside = library.points((0, 0), POINTS, rng(1))
        stored = library.shard(0).points[0].astype(np.float32)
        np.testing.assert_array_equal(np.sort(points, axis=0), np.sort(stored, axis=0))
        np.testing.assert_array_equal(inside, inside_ellipsoid(points, AXES[0]))
        other, _ = library.points((0, 0), POINTS, rng(2))
        assert not np.array_equal(points, other)

    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(BadInput, match="No rendered shard in"):
            Library(tmp_path)


def ideal(library, item, layer):
    """Render of the ellipsoid by the layer's own camera, computed anew."""
    axes = AXES[int(library.shard(item[0]).object[item[1]])]
    pose = np.linalg.inv(library.cutout(item).world_to_camera)
    size = len(layer.alpha)
    camera = Cameras(torch.tensor(pose)[None].float(), torch.tensor(layer.intrinsics)[None].float(), size, size)
    return ellipsoid_render(axes, camera)


PLACES = [(64, 0.5, 0.0), (128, 0.9, 0.0), (200, 0.97, 0.0), (96, 0.7, 0.3), (128, 0.42, 0.6)]


class TestPlace:
    """The picture's intrinsics must describe the pasted pixels: training asks for occupancy through them."""

    @pytest.mark.parametrize("item", [(0, 0), (0, 2), (0, 5), (1, 1)])
    @pytest.mark.parametrize(("size", "side", "outside"), PLACES)
    def test_pixels_lie_where_the_camera_sees_them(self, library, item, size, side, outside):
        layer = place(library.cutout(item), rng(size), size, side, outside)
        cutout, true = library.cutout(item), ideal(library, item, layer)
        scale = layer.intrinsics[0, 0] / cutout.intrinsics[0, 0]  # picture pixels a stored pixel
        seen, wanted = ~np.isnan(layer.relief), true.depth > 0
        both = seen & wanted
        y, x = np.mgrid[:size, :size]
        off = [np.abs(grid[seen].mean() - grid[wanted].mean()) for grid in (x, y)]
        assert max(off) < 0.2 * max(scale, 1)
        assert both.sum() / (seen | wanted).sum() > 0.93
        rays = true.camera.rays()[1][0].numpy() @ true.camera.rotation[0].numpy()
        facing = both & (-(rays * true.normals).sum(-1) > 0.6)
        assert facing.sum() > 0.3 * both.sum()
        error = np.abs(layer.relief + cutout.world_to_camera[2, 3] - true.depth)[facing]
        stored = true.depth[both].mean() / cutout.intrinsics[0, 0]  # width of a stored pixel on the object
        assert error.max() < 1.4 * stored + 1e-3 and error.mean() < 0.35 * stored + 1e-3
        assert (layer.normals * true.normals).sum(-1)[facing].min() > 0.98
        np.testing.assert_array_equal(np.isnan(layer.thickness), np.isnan(layer.relief))
        error = np.abs(layer.thickness - (true.back - true.depth))[facing]
        assert error.max() < 2.8 * stored + 1e-3 and error.mean() < 0.7 * stored + 1e-3

    @pytest.mark.parametrize(("size", "side", "outside"), PLACES[:3])
    def test_colours_lie_on_their_places(self, library, size, side, outside):
        """The cut-outs are painted with their own world coordinates."""
        layer = place(library.cutout((0, 3)), rng(size + 1), size, side, outside)
        true = ideal(library, (0, 3), layer)
        inner = (layer.alpha > 0.999) & (-true.normals[..., 2] > 0.6)
        assert inner.sum() > 100
        difference = layer.rgb[inner] - true.rgb[inner] / 255
        assert np.abs(difference.mean(0)).max() < 0.01 and np.abs(difference).max() < 0.05

    def test_no_bias_over_many_places(self, library):
        """A shift of the principal point by a fraction of a pixel would show in the mean."""
        shifts = []
        for seed in range(24):
            layer = place(library.cutout((0, seed % 6)), rng(seed), 90, 0.6 + 0.012 * seed)
            true = ideal(library, (0, seed % 6), layer)
            y, x = np.mgrid[:90, :90]
            weights, wanted = layer.alpha, true.depth > 0
            shifts.append([(g * weights).sum() / weights.sum() - g[wanted].mean() for g in (x, y)])
        assert np.abs(np.mean(shifts, axis=0)).max() < 0.05

    @pytest.mark.parametrize("side", [0.42, 0.8, 0.97])
    def test_the_longer_side_has_its_share_and_all_of_it_is_there(self, library, side):
        for seed in range(5):
            layer = place(library.cutout((0, seed)), rng(seed), 100, side)
            rows, columns = np.flatnonzero((layer.alpha > 0).any(1)), np.flatnonzero((layer.alpha > 0).any(0))
            longest = max(np.ptp(rows), np.ptp(columns)) + 1
            assert abs(longest - 100 * side) <= 2

    def test_part_of_it_may_hang_over_the_edge(self, library):
        cut = []
        for seed in range(30):
            layer = place(library.cutout((0, 0)), rng(seed), 64, 0.5, outside=0.5)
            cut.append(layer.alpha.sum() / (np.pi / 4 * 32**2))
            assert np.isnan(layer.relief).sum() + (~np.isnan(layer.relief)).sum() == 64 * 64
        assert min(cut) < 0.7 and max(cut) > 0.97 and min(cut) > 0.15

    @pytest.mark.parametrize("row", [0, 3])
    def test_thickness_is_of_the_world_whatever_the_size_in_the_picture(self, library, row):
        cutout = library.cutout((0, row))
        small, large = (place(cutout, rng(2), 128, side).thickness for side in (0.3, 0.95))
        assert np.nanmax(small) == pytest.approx(np.nanmax(cutout.thickness), rel=0.02)
        assert np.nanmax(large) == pytest.approx(np.nanmax(cutout.thickness), rel=0.01)
        assert np.nanmin(large) >= 0

    def test_told_to_it_stays_near_the_middle(self, library):
        def centres(**options):
            found = []
            for seed in range(40):
                alpha = place(library.cutout((0, seed % 6)), rng(seed), 100, 0.4, **options).alpha > 0.5
                found += [(np.flatnonzero(alpha.any(axis))[[0, -1]].mean() + 0.5) / 100 - 0.5 for axis in (0, 1)]
            return np.array(found)

        middle, anywhere = centres(offset_std=0.04), centres()
        assert abs(middle.mean()) < 0.015 and 0.025 < middle.std() < 0.055  # 4 % of the picture
        assert anywhere.std() > 3 * middle.std()
        assert centres(offset_std=0.1).std() > 2 * middle.std()
        assert np.array_equal(centres(offset_std=0.04, outside=0.3), centres(outside=0.3))  # cut off it may be anywhere

    def test_a_large_one_wanders_only_as_far_as_it_stays_whole(self, library):
        for seed in range(6):
            alpha = place(library.cutout((0, 0)), rng(seed), 100, 0.95, offset_std=0.5).alpha > 0.5
            spans = [np.ptp(np.flatnonzero(alpha.any(axis))) + 1 for axis in (0, 1)]
            assert max(spans) >= 94

    def test_pixels_near_the_middle_lie_where_the_camera_sees_them(self, library):
        for seed in range(6):
            layer = place(library.cutout((0, seed)), rng(seed), 90, 0.95, offset_std=0.04)
            wanted, seen = ideal(library, (0, seed), layer).depth > 0, ~np.isnan(layer.relief)
            assert (seen & wanted).sum() / (seen | wanted).sum() > 0.93

    def test_larger_than_the_picture_it_is_centred(self, library):
        layer = place(library.cutout((0, 0)), rng(), 64, 1.5)
        assert (layer.alpha > 0.99).mean() > 0.9
        centre = layer.intrinsics @ library.cutout((0, 0)).world_to_camera[:3, 3]
        np.testing.assert_allclose(centre[:2] / centre[2], 32, atol=1.5)

    def test_the_seed_decides_and_the_shard_is_left_alone(self, library):
        before = library.cutout((0, 1)).intrinsics.copy()
        first, again, other = (place(library.cutout((0, 1)), rng(seed), 64, 0.5) for seed in (5, 5, 6))
        assert np.array_equal(first.rgb, again.rgb) and not np.array_equal(first.rgb, other.rgb)
        np.testing.assert_array_equal(library.cutout((0, 1)).intrinsics, before)


def test_paste_lays_premultiplied_colour_over_the_canvas():
    alpha = np.float32([[0, 0.25], [0.5, 1]])
    color = np.float32([0.8, 0.4, 0.2])
    nowhere = np.full((2, 2), np.nan, np.float32)
    layer = Layer(alpha[..., None] * color, alpha, nowhere, nowhere, np.zeros((2, 2, 3), np.float32), np.eye(3))
    canvas = np.full((2, 2, 3), 0.6, np.float32)
    np.testing.assert_allclose(paste(canvas, layer), canvas + alpha[..., None] * (color - canvas), atol=1e-6)
    assert (canvas == np.float32(0.6)).all()
