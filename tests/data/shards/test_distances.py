import numpy as np
import pytest

from recon_lib.data.shards.shards import Shard
from recon_lib.errors import BadInput
from tests.helpers.shapes import box
from tests.helpers.tiny_shards import write_ellipsoids

pytest.importorskip("igl")
from recon_lib.data.rendering import distances as making
from recon_lib.data.shards import distances
from recon_lib.data.shards.distances import DistanceShard, add_mesh_distances, add_solid_distances, with_distances
from recon_lib.data.shards.render_shards import render_meshes, render_solids


def store(path, half=(0.5, 0.5, 0.5)):
    mesh = box(half)
    colors = np.full((len(mesh.vertices), 3), 128, np.uint8)
    np.savez(path, v=mesh.vertices.numpy(), f=mesh.faces.numpy(), vc=colors)


@pytest.fixture
def few(monkeypatch):
    few = {"count": 64, "surface": 16}
    monkeypatch.setattr(distances, "distance_row", lambda mesh, seed: making.distance_row(mesh, seed, **few))


def test_meshes_keep_their_order(few, tmp_path):
    """Each object's surface points lie on the object of the same row: a box of its own proportions."""
    for name, half in (("a", (1, 1, 1)), ("b", (1, 0.2, 1)), ("c", (0.2, 1, 0.3))):
        store(tmp_path / name, half)
    render_meshes(tmp_path, tmp_path / "s", views=1, size=16, seed=3, up="y")
    add_mesh_distances(tmp_path, tmp_path / "s", seed=3, up="y")
    (path,) = with_distances(tmp_path / "s")
    shard, labelled = DistanceShard.of(path), Shard.open(path)
    for row in range(3):
        inside = np.unpackbits(labelled.inside[row]).astype(bool)
        reach = np.abs(labelled.points[row][inside]).max(0)
        np.testing.assert_allclose(np.abs(shard.surface[row]).max(0), reach, atol=0.05)
    before = shard.points.copy()
    add_mesh_distances(tmp_path, tmp_path / "s", seed=3, up="y")  # they exist: nothing is made again
    np.testing.assert_array_equal(DistanceShard.of(path).points, before)


def test_solids_too(few, tmp_path):
    render_solids(tmp_path, range(2), views=1, size=16)
    add_solid_distances(tmp_path, range(2), views=1)
    shard = DistanceShard.of(with_distances(tmp_path)[0])
    assert shard.surface.shape == (2, 16, 3) and shard.distance.shape == (2, 64)
    assert (shard.distance < 0).any() and (shard.distance > 0).any()


def test_other_meshes_than_those_rendered_are_told(few, tmp_path):
    (tmp_path / "m").mkdir()
    store(tmp_path / "m" / "a")
    render_meshes(tmp_path / "m", tmp_path / "s", views=1, size=16, up="y")
    store(tmp_path / "m" / "b")
    with pytest.raises(BadInput, match="holds 1 objects and their files 2"):
        add_mesh_distances(tmp_path / "m", tmp_path / "s", up="y")


def test_shards_without_distances_are_told(tmp_path):
    write_ellipsoids(tmp_path)
    for find in (with_distances, lambda folder: DistanceShard.of(folder / "ellipsoids")):
        with pytest.raises(BadInput, match="distances; add them with `data --shards FOLDER --distances`"):
            find(tmp_path)
