"""Orbit renders of boxes and balls: stored layers are what the cameras see."""

import json

import numpy as np
import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.views.next_views import ring
from tests.helpers.shapes import ball, box

pytest.importorskip("embreex")
pytest.importorskip("igl")
from recon_lib.data.shards import orbits
from recon_lib.data.shards.array_shard import by_column
from recon_lib.data.shards.orbits import (
    FILL,
    VIEWS,
    OrbitShard,
    random_orbit,
    render_mesh_orbits,
    render_solid_orbits,
)

SIZE = 32


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two coloured boxes to train on and a board to validate with, all z-up."""
    folder, records = tmp_path_factory.mktemp("meshes"), []
    for name, half in {"cube": (0.5, 0.5, 0.5), "block": (0.5, 0.4, 0.6), "board": (0.9, 0.6, 0.1)}.items():
        mesh = box(half)
        colors = np.full((8, 3), 200, np.uint8)
        np.savez(folder / f"{name}.npz", v=mesh.vertices.numpy(), f=mesh.faces.numpy(), vc=colors)
        records.append({"name": name, "file": f"{name}.npz", "split": "val" if name == "board" else "train"})
    (folder / "manifest.json").write_text(json.dumps({"objects": records}))
    return folder


@pytest.fixture(scope="module")
def shard(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("orbits")
    render_mesh_orbits(source, out, size=SIZE)
    (folder,) = OrbitShard.find_some(out)
    assert folder.name == "meshes_train_000_000000"
    return OrbitShard.open(folder)


def test_an_orbit_is_the_front_and_the_schedule(shard):
    assert len(shard) == 2 and shard.rgb.shape == (2, VIEWS, SIZE, SIZE, 3)
    cameras = shard.views(0).cameras
    x, _, z = cameras.position.unbind(-1)
    azimuth, distance = torch.rad2deg(torch.atan2(x, z)), cameras.position.norm(dim=-1)
    planned = torch.tensor([0.0] + [a for a, _ in ring()])
    off = (azimuth - planned + 180) % 360 - 180
    assert abs(float(azimuth[0])) < 1e-3 and off.abs().max() < 5 * orbits.JITTER
    assert (distance - distance[0]).abs().max() < 1e-4
    assert distance[0] > 1.12


def test_layers_fit_each_other(tmp_path):
    """Every view of a ball shows points of its surface, with their normals, where its mask is."""
    OrbitShard.write(tmp_path / "ball", by_column([orbits._orbit(ball(), np.random.default_rng(1), SIZE, None)]))
    views = OrbitShard.open(tmp_path / "ball").views(0)
    hit = views.depth[:, 0] > 0
    points = views.cameras.unproject(views.depth)
    assert (points[hit].norm(dim=-1) - 1).abs().max() < 5e-3  # half precision, and the ball's flat faces
    normals = views.normals.movedim(1, -1) @ views.cameras.rotation[:, None].mT
    assert ((normals * points).sum(-1)[hit] > 0.995).all()
    assert not views.normals.movedim(1, -1)[~hit].any()
    assert ((views.masks[:, 0] > 0.5) != hit).float().mean() < 0.01


def test_what_is_not_the_object_is_white(shard):
    views = shard.views(1)
    empty = views.masks.expand(-1, 3, -1, -1) == 0
    assert (views.images[empty] == 1).all() and (views.images[~empty] < 1).any()
    assert views.images[views.masks.expand(-1, 3, -1, -1) == 1].mean() < 0.95


def test_the_front_fills_its_share_of_the_picture(shard):
    for row in range(2):
        mask = shard.views(row).masks[0, 0] > 0.2
        positions = torch.arange(SIZE)[mask.any(0)], torch.arange(SIZE)[mask.any(1)]
        extent = max(float((p + 0.5 - SIZE / 2).abs().max()) for p in positions) / (SIZE / 2)
        assert FILL[0] - 0.06 < extent < FILL[1] + 0.06


def test_no_view_cuts_the_object(shard):
    edge = torch.ones(SIZE, SIZE, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    assert not any((shard.views(row).masks[..., edge] > 0).any() for row in range(2))


def test_half_of_the_first_views_count_as_level():
    rng, level = np.random.default_rng(0), 0
    for _ in range(60):
        mesh, cameras = random_orbit(ball(1), rng, SIZE)
        level += abs(float(cameras.position[0, 1])) < 1e-5
        assert mesh.vertices.norm(dim=-1).max() < 1.001
    assert 15 < level < 45


def test_a_first_view_shows_its_elevation_whether_it_counts_as_level_or_not():
    """At 40 degrees of elevation a box shows its top: whether the object is tilted or the camera raised."""

    class Fixed:
        def __init__(self, raised):
            self.raised = raised

        def triangular(self, *_):
            return 40.0

        def random(self):
            return 0.0 if self.raised else 1.0

        def uniform(self, low, high):
            return low

        def normal(self, *_):
            return 0.0

    pictures = []
    for raised in (True, False):
        mesh, cameras = random_orbit(box((0.5, 0.4, 0.3)), Fixed(raised), SIZE)
        pictures.append(cameras[0].project(mesh.vertices)[0])
    torch.testing.assert_close(pictures[0], pictures[1], atol=1e-3, rtol=1e-4)


def test_light_and_material_are_the_same_all_around(source, tmp_path, monkeypatch):
    lights = []
    original = orbits.MeshRenderer.render

    def watched(self, camera, rng, material, parts, light, back=True):
        lights.append((light, material))
        return original(self, camera, rng, material, parts, light, back=back)

    monkeypatch.setattr(orbits.MeshRenderer, "render", watched)
    render_mesh_orbits(source, tmp_path, size=16)
    assert len(lights) == 2 * VIEWS
    assert len({id(light) for light, _ in lights}) == 2
    assert all(len({id(m) for _, m in lights[i : i + VIEWS]}) == 1 for i in (0, VIEWS))


def test_seeded_and_not_done_twice(source, tmp_path, monkeypatch):
    for out in ("a", "b"):
        render_mesh_orbits(source, tmp_path / out, size=16, seed=3, split="val")
    first, second = (OrbitShard.open(OrbitShard.find_some(tmp_path / out)[0]) for out in ("a", "b"))
    for name in OrbitShard.columns():
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    monkeypatch.setattr(orbits, "_orbit", None)  # would fail if it were called
    progress = Progress()
    render_mesh_orbits(source, tmp_path / "a", size=16, seed=3, split="val", progress=progress)
    assert (progress.done, progress.total) == (1, 1)


def test_solids_in_shards_of_some(tmp_path, monkeypatch):
    monkeypatch.setattr(orbits, "ORBITS_A_SHARD", 2)
    monkeypatch.setattr(orbits, "SOLID_CELLS", 24)
    render_solid_orbits(tmp_path, range(1, 4), size=16)
    assert [p.name for p in OrbitShard.find_some(tmp_path)] == ["solids_000001", "solids_000003"]
    assert [len(OrbitShard.open(p)) for p in OrbitShard.find_some(tmp_path)] == [2, 1]
    assert OrbitShard.open(OrbitShard.find_some(tmp_path)[0]).alpha.max(axis=(2, 3)).min() > 100  # seen from everywhere


def test_a_damaged_mesh_is_skipped_and_no_mesh_is_an_error(source, tmp_path):
    folder = tmp_path / "meshes"
    folder.mkdir()
    (folder / "bad.npz").write_bytes(b"no mesh")
    with pytest.raises(BadInput, match="None of the objects 0 to 0 could be read"):
        render_mesh_orbits(folder, tmp_path / "out", size=16)
    (folder / "cube.npz").write_bytes((source / "cube.npz").read_bytes())
    progress = Progress()
    render_mesh_orbits(folder, tmp_path / "out", size=16, progress=progress)
    assert len(OrbitShard.open(OrbitShard.find_some(tmp_path / "out")[0])) == 1 and progress.done == 2


def test_a_stop_leaves_no_shard(source, tmp_path):
    class Stop(Progress):
        def check(self):
            if self.done:
                raise Interrupted

    with pytest.raises(Interrupted):
        render_mesh_orbits(source, tmp_path / "out", size=16, progress=Stop())
    assert not list((tmp_path / "out").glob("*"))


def test_folders_without_orbits_are_reported(shard, tmp_path):
    with pytest.raises(BadInput, match="There is nothing in"):
        OrbitShard.find_some(tmp_path)
    OrbitShard.write(tmp_path / "x", by_column([{name: getattr(shard, name)[0] for name in OrbitShard.columns()}]))
    (tmp_path / "x" / "rgb.npy").unlink()
    with pytest.raises(BadInput, match="has no rgb"):
        OrbitShard.open(OrbitShard.find_some(tmp_path)[0])
