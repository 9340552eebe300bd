import json

import numpy as np
import pytest

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from tests.helpers.shapes import box

pytest.importorskip("embreex")
pytest.importorskip("igl")
from recon_lib.data.shards import render_shards
from recon_lib.data.shards.render_shards import render_meshes, render_solids
from recon_lib.data.shards.shards import Shard

HALVES = {"cube": (0.5, 0.5, 0.5), "board": (0.9, 0.6, 0.1), "rod": (0.1, 0.1, 0.8)}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(render_shards, "POINTS", 256)
    monkeypatch.setattr(render_shards, "OBJECTS_A_SHARD", 2)


@pytest.fixture
def source(tmp_path):
    """Boxes, two to train on and one to validate with."""
    folder, records = tmp_path / "meshes", []
    folder.mkdir()
    for name, half in HALVES.items():
        mesh = box(half)
        colors = np.full((8, 3), 200, np.uint8)
        np.savez(folder / f"{name}.npz", v=mesh.vertices.numpy(), f=mesh.faces.numpy(), vc=colors)
        records.append({"name": name, "file": f"{name}.npz", "split": "val" if name == "rod" else "train"})
    (folder / "manifest.json").write_text(json.dumps({"objects": records}))
    return folder


@pytest.fixture
def cache(tmp_path):
    """Solids as `training_solid` makes them: boxes of two parts."""
    folder = tmp_path / "cache"
    folder.mkdir()
    for seed in range(5):
        mesh = box((0.3 + 0.1 * seed, 0.4, 0.4))
        points = np.random.default_rng(seed).uniform(-1, 1, (256, 3)).astype(np.float16)
        np.savez(
            folder / f"{seed:05d}.npz",
            vertices=mesh.vertices.numpy(), faces=mesh.faces.numpy().astype(np.int32),
            face_parts=(np.arange(12) % 2).astype(np.uint8), part_colors=np.uint8([[250, 10, 10], [10, 10, 250]]),
            points=points, inside=np.packbits((np.abs(points) < mesh.bounds[1].numpy()).all(1)),
        )  # fmt: skip
    return folder


class StopAfter(Progress):
    def __init__(self, checks):
        super().__init__()
        self.left = checks

    def check(self):
        self.left -= 1
        if self.left < 0:
            raise Interrupted


class TestMeshes:
    def test_views_of_the_train_split(self, source, tmp_path):
        progress = Progress()
        render_meshes(source, tmp_path / "out", views=3, size=24, seed=5, progress=progress)
        (folder,) = Shard.find(tmp_path / "out")
        assert folder.name == "meshes_train_005_00000"
        shard = Shard.open(folder)
        assert len(shard) == 6 and shard.rgb.shape[1:] == (24, 24, 3)
        assert shard.object.tolist() == [0, 0, 0, 1, 1, 1]
        assert (~np.isnan(shard.relief)).reshape(6, -1).mean(1).min() > 0.03
        assert (progress.done, progress.total) == (2, 2)

    def test_labels_fit_the_turned_objects(self, source, tmp_path):
        """z-up files lie on their backs in the y-up world."""
        render_meshes(source, tmp_path / "out", views=1, size=16, split="val")
        shard = Shard.open(Shard.find(tmp_path / "out")[0])
        points, inside = shard.points[0].astype(float), np.unpackbits(shard.inside[0]).astype(bool)
        half = np.array([0.1, 0.8, 0.1]) / np.sqrt(0.66)
        clear = np.abs((half - np.abs(points)).min(1)) > 0.01
        np.testing.assert_array_equal(inside[clear], (np.abs(points) < half).all(1)[clear])

    def test_seeded_and_not_done_twice(self, source, tmp_path, monkeypatch):
        for out in ("a", "b"):
            render_meshes(source, tmp_path / out, views=2, size=16, seed=1)
        first, second = (Shard.open(Shard.find(tmp_path / out)[0]) for out in ("a", "b"))
        np.testing.assert_array_equal(first.rgb, second.rgb)
        np.testing.assert_array_equal(first.points, second.points)
        monkeypatch.setattr(render_shards, "labelled_points", None)  # would fail if it were called
        render_meshes(source, tmp_path / "a", views=2, size=16, seed=1)
        monkeypatch.undo()
        monkeypatch.setattr(render_shards, "POINTS", 256)
        render_meshes(source, tmp_path / "a", views=2, size=16, seed=2)
        assert len(Shard.find(tmp_path / "a")) == 2

    def test_limit_and_shards_of_some_objects(self, source, tmp_path, monkeypatch):
        monkeypatch.setattr(render_shards, "OBJECTS_A_SHARD", 1)
        render_meshes(source, tmp_path / "all", views=1, size=16)
        assert [p.name[-5:] for p in Shard.find(tmp_path / "all")] == ["00000", "00001"]
        render_meshes(source, tmp_path / "one", views=1, size=16, limit=1)
        assert len(Shard.find(tmp_path / "one")) == 1

    def test_a_damaged_mesh_is_left_out(self, source, tmp_path):
        (source / "board.npz").write_bytes((source / "board.npz").read_bytes()[:200])
        render_meshes(source, tmp_path / "out", views=2, size=16)
        assert len(Shard.open(Shard.find(tmp_path / "out")[0])) == 2

    def test_nothing_but_damaged_meshes(self, source, tmp_path):
        (source / "rod.npz").write_bytes(b"")
        with pytest.raises(BadInput, match="None of the meshes rod to rod could be read"):
            render_meshes(source, tmp_path / "out", views=1, size=16, split="val")
        assert not Shard.find(tmp_path / "out")

    @pytest.mark.parametrize("checks", [1, 3])
    def test_a_stop_leaves_no_shard(self, source, tmp_path, checks):
        with pytest.raises(Interrupted):
            render_meshes(source, tmp_path / "out", views=2, size=16, progress=StopAfter(checks))
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


class TestSolids:
    def test_shards_of_the_cached_solids(self, cache, tmp_path):
        progress = Progress()
        render_solids(tmp_path / "out", range(1, 4), views=2, size=24, cache=cache, progress=progress)
        folders = Shard.find(tmp_path / "out")
        assert [f.name for f in folders] == ["solids_000001_02", "solids_000003_02"]
        first, last = map(Shard.open, folders)
        assert (len(first), len(last), progress.done) == (4, 2, 3)
        stored = np.load(cache / "00003.npz")
        np.testing.assert_array_equal(last.points[0], stored["points"])
        np.testing.assert_array_equal(last.inside[0], stored["inside"])

    def test_own_colours_are_worn_in_about_half_of_the_views(self, cache, tmp_path, monkeypatch):
        given = []
        original = render_shards.random_material
        monkeypatch.setattr(
            render_shards, "random_material", lambda seed, colors: given.append(colors) or original(seed, colors)
        )
        render_solids(tmp_path / "out", range(2), views=12, size=16, cache=cache)
        own = [colors for colors in given if colors is not None]
        assert 6 <= len(own) <= 18
        np.testing.assert_allclose(own[0], np.array([[250, 10, 10], [10, 10, 250]]) / 255)

    def test_without_a_cache_they_are_made(self, cache, tmp_path, monkeypatch):
        made = []

        def make(seed):
            made.append(seed)
            with np.load(cache / "00000.npz") as stored:
                return dict(stored)

        monkeypatch.setattr(render_shards, "training_solid", make)
        render_solids(tmp_path / "out", range(7, 9), views=1, size=16)
        render_solids(tmp_path / "half", range(4, 6), views=1, size=16, cache=cache)
        assert made == [7, 8, 5]

    def test_a_stop_leaves_no_shard(self, cache, tmp_path):
        with pytest.raises(Interrupted):
            render_solids(tmp_path / "out", range(2), views=2, size=16, cache=cache, progress=StopAfter(4))
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
