import numpy as np
import pytest
import torch

from recon_lib.data.shards import shards
from recon_lib.data.shards.shards import Shard, ShardWriter
from recon_lib.errors import BadInput
from tests.helpers.tiny_shards import (
    AXES,
    POINTS,
    SIZE,
    camera_around,
    ellipsoid_points,
    ellipsoid_render,
    write_ellipsoids,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_ellipsoids(tmp_path_factory.mktemp("shards"), views=2, placed=True)


def writer(count=1):
    writer = ShardWriter()
    for index in range(count):
        writer.add(*ellipsoid_points(AXES[index]), iter([ellipsoid_render(AXES[index], camera_around(index, 16))]))
    return writer


class TestRoundTrip:
    def test_sizes(self, folder):
        shard = Shard.open(folder / "ellipsoids")
        assert len(shard) == 6 and shard.rgb.shape == (6, SIZE, SIZE, 3)
        assert shard.points.shape == (3, POINTS, 3) and shard.inside.shape == (3, POINTS // 8)
        assert shard.object.tolist() == [0, 0, 1, 1, 2, 2]

    @pytest.mark.parametrize("row", [0, 3])
    def test_what_was_rendered_is_read(self, folder, row):
        shard, render = Shard.open(folder / "ellipsoids"), ellipsoid_render(AXES[row // 2], camera_around(row))
        np.testing.assert_array_equal(shard.rgb[row], render.rgb)
        hit = render.depth > 0
        np.testing.assert_array_equal(~np.isnan(shard.relief[row]), hit)
        np.testing.assert_array_equal(~np.isnan(shard.thickness[row]), hit)
        assert shard.thickness.dtype == np.float16 and shard.thickness.shape == shard.relief.shape
        np.testing.assert_allclose(shard.thickness[row][hit], (render.back - render.depth)[hit], atol=1e-3)
        pose = shard.world_to_camera[row]
        np.testing.assert_allclose(shard.relief[row][hit] + pose[2, 3], render.depth[hit], atol=1e-3)
        np.testing.assert_allclose(shard.normals[row] / 127, render.normals, atol=0.5 / 127 + 1e-6)
        np.testing.assert_array_equal(shard.intrinsics[row], render.camera.intrinsics[0])
        world = torch.randn(5, 3)
        camera = world.numpy() @ pose[:3, :3].T + pose[:3, 3]
        np.testing.assert_allclose(camera, render.camera.to_camera(world)[0], atol=1e-5)

    def test_labels_belong_to_their_objects(self, folder):
        shard = Shard.open(folder / "ellipsoids")
        for index, axes in enumerate(AXES):
            points, inside = ellipsoid_points(axes, seed=index)
            np.testing.assert_array_equal(shard.points[index], points)
            np.testing.assert_array_equal(shard.inside[index], inside)

    def test_it_is_mapped_and_cannot_be_written(self, folder):
        shard = Shard.open(folder / "ellipsoids")
        assert all(isinstance(getattr(shard, name), np.memmap) for name in Shard.columns())
        with pytest.raises(ValueError, match="read-only"):
            shard.rgb[0] = 0


def test_more_points_than_wanted_are_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "POINTS", 64)
    writer().write(tmp_path / "one")
    shard = Shard.open(tmp_path / "one")
    assert shard.points.shape == (1, 64, 3) and shard.inside.shape == (1, 8)


class TestWhole:
    def test_an_interrupted_write_leaves_no_shard(self, tmp_path, monkeypatch):
        saved, save = [], np.save

        def failing(path, array):
            saved.append(path)
            if len(saved) == 4:
                raise KeyboardInterrupt
            save(path, array)

        monkeypatch.setattr(np, "save", failing)
        with pytest.raises(KeyboardInterrupt):
            writer().write(tmp_path / "one")
        assert len(saved) == 4 and Shard.find(tmp_path) == []
        monkeypatch.undo()
        writer(2).write(tmp_path / "one")
        assert [p.name for p in tmp_path.iterdir()] == ["one"]
        assert len(Shard.open(tmp_path / "one")) == 2

    def test_a_full_disk_is_told_in_a_sentence(self, tmp_path, monkeypatch):
        def full(path, array):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(np, "save", full)
        with pytest.raises(BadInput, match=r"could not be written \(No space left on device\)"):
            writer().write(tmp_path / "one")
        assert not list(tmp_path.iterdir())

    def test_leftovers_of_a_killed_process_are_no_shards(self, tmp_path):
        (tmp_path / "one.part").mkdir()
        (tmp_path / "one.part" / "object.npy").touch()
        assert Shard.find(tmp_path) == []
        writer().write(tmp_path / "one")
        assert Shard.find(tmp_path) == [tmp_path / "one"]


def test_shards_of_sub_folders_are_listed_in_order(tmp_path):
    for name in ("b", "a", "c/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        writer().write(tmp_path / name)
    assert Shard.find(tmp_path) == [tmp_path / "a", tmp_path / "b", tmp_path / "c/d"]


def test_a_shard_of_another_version_is_told(tmp_path):
    folder = Shard.find(write_ellipsoids(tmp_path))[0]
    (folder / "thickness.npy").unlink()
    with pytest.raises(BadInput, match=r"has no thickness\.npy; it is of another version"):
        Shard.open(folder)
