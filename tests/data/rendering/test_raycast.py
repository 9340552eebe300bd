import numpy as np
import pytest

from recon_lib.data.rendering import raycast
from recon_lib.data.rendering.raycast import EmbreeCaster, TrimeshCaster, ray_caster
from tests.helpers.shapes import box

CASTERS = {"embreex": EmbreeCaster, "rtree": TrimeshCaster}


@pytest.fixture(scope="module")
def mesh():
    return box((0.5, 0.4, 0.3))


@pytest.fixture(scope="module", params=CASTERS)
def caster(mesh, request):
    pytest.importorskip(request.param)
    return CASTERS[request.param](mesh)


def down_z(xy, z=3.0):
    origins = np.concatenate([xy, np.full((len(xy), 1), z)], 1).astype(np.float32)
    return origins, np.broadcast_to(np.float32([0, 0, -1]), origins.shape)


def test_the_nearest_hit_and_the_misses(caster):
    xy = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    hits = caster.first_hits(*down_z(xy))
    over = (np.abs(xy) < [0.5, 0.4]).all(1)
    assert 50 < over.sum() < 450
    np.testing.assert_array_equal(hits.hit, over)
    np.testing.assert_allclose(hits.distance[over], 3 - 0.3, atol=1e-5)


def test_barycentric_weights_give_the_point_back(caster, mesh):
    directions = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = np.zeros_like(directions) + np.float32([0.1, -0.05, 0.02])
    hits = caster.first_hits(origins, directions)
    assert hits.hit.all()  # from inside, everything is walls
    corners = mesh.triangles.numpy()[hits.face]
    there = (corners * hits.barycentric[..., None]).sum(1)
    np.testing.assert_allclose(there, origins + hits.distance[:, None] * directions, atol=1e-5)
    np.testing.assert_allclose(np.abs(there / [0.5, 0.4, 0.3]).max(1), 1, atol=1e-5)
    np.testing.assert_allclose(hits.barycentric.sum(1), 1, atol=1e-6)


def test_blocked_says_whether_anything_lies_ahead(caster):
    xy = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    over = (np.abs(xy) < [0.5, 0.4]).all(1)
    origins, directions = down_z(xy)
    np.testing.assert_array_equal(caster.blocked(origins, directions), over)
    assert not caster.blocked(origins, -directions).any()


def test_the_arrays_may_be_views(caster):
    xy = np.random.default_rng(0).uniform(-0.3, 0.3, (20, 2))
    origins, directions = down_z(xy)
    wide = np.repeat(origins.astype(np.float64), 2, axis=0)[::2]
    np.testing.assert_array_equal(caster.first_hits(wide, directions).hit, True)


def test_both_casters_see_the_same_and_one_is_always_there(mesh, monkeypatch):
    for name in CASTERS:
        pytest.importorskip(name)
    assert isinstance(ray_caster(mesh), EmbreeCaster)
    monkeypatch.setattr(raycast, "find_spec", lambda name: None)
    plain = ray_caster(mesh)
    assert isinstance(plain, TrimeshCaster)
    rng = np.random.default_rng(3)
    origins = rng.uniform(-1, 1, (300, 3)).astype(np.float32) * 2
    directions = -origins / np.linalg.norm(origins, axis=1, keepdims=True) + rng.normal(0, 0.2, (300, 3))
    directions = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)
    fast, slow = (caster.first_hits(origins, directions) for caster in (EmbreeCaster(mesh), plain))
    np.testing.assert_array_equal(slow.hit, fast.hit)
    assert 100 < fast.hit.sum() < 300
    np.testing.assert_array_equal(slow.face[fast.hit], fast.face[fast.hit])
    np.testing.assert_allclose(slow.distance[fast.hit], fast.distance[fast.hit], atol=1e-4)
    np.testing.assert_allclose(slow.barycentric[fast.hit], fast.barycentric[fast.hit], atol=1e-4)
