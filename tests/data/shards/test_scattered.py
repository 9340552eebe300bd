"""Scattered cameras show the whole object, from all around."""

import json

import numpy as np
import pytest
import torch

from recon_lib.data.shards.scattered import FILL, FOV, SCATTERED_SIDE_PX, scattered
from tests.helpers.shapes import box

pytest.importorskip("embreex")
from recon_lib.data.shards.orbits import OrbitShard, render_mesh_orbits


def drawn(seed, views=12):
    return scattered(views)(box((0.5, 0.4, 0.3)), np.random.default_rng(seed), 64)


@pytest.mark.parametrize("seed", range(6))
def test_every_picture_shows_the_whole_object(seed):
    mesh, cameras = drawn(seed)
    pixels, depth = cameras.project(mesh.vertices)
    extent = (pixels - 32).abs().amax((1, 2)) / 32
    assert (depth > 0).all() and FILL[0] - 1e-3 < float(extent.max()) < FILL[1] + 1e-3
    assert extent.min() > 0.3


@pytest.mark.parametrize("seed", range(6))
def test_they_stand_all_around_and_look_at_the_middle(seed):
    _, cameras = drawn(seed)
    x, y, z = cameras.position.unbind(-1)
    azimuth = torch.rad2deg(torch.atan2(x, z)).sort().values
    assert torch.cat([azimuth.diff(), azimuth[:1] + 360 - azimuth[-1:]]).max() < 2 * 30 + 1
    distance = cameras.position.norm(dim=-1)
    axis = torch.nn.functional.normalize(-cameras.position, dim=-1)
    assert (cameras.rotation[:, :, 2] * axis).sum(-1).min() > 0.9999
    assert float(distance.max() / distance.min()) < 1.08 / 0.92 + 1e-3 and distance.min() > 1.5
    assert (y / distance).abs().max() < 1


def test_one_lens_and_a_random_order():
    _, cameras = drawn(3)
    assert (cameras.intrinsics == cameras.intrinsics[:1]).all()
    x, _, z = cameras.position.unbind(-1)
    assert not torch.equal(torch.atan2(x, z).argsort(), torch.arange(12))
    assert FOV[0] < FOV[1]


def test_the_seed_decides():
    a, b, other = drawn(1), drawn(1), drawn(2)
    torch.testing.assert_close(a[1].camera_to_world, b[1].camera_to_world, rtol=0, atol=0)
    assert not torch.allclose(a[1].position, other[1].position)


def test_rings_and_others_both_come_up():
    spreads = []
    for seed in range(12):
        _, cameras = drawn(seed)
        elevation = torch.rad2deg(torch.asin(cameras.position[:, 1] / cameras.position.norm(dim=-1)))
        spreads.append(float(elevation.std()))
    assert min(spreads) < 8 and max(spreads) > 12


def test_they_are_rendered_into_orbit_shards(tmp_path):
    mesh = box((0.5, 0.5, 0.5))
    np.savez(tmp_path / "cube.npz", v=mesh.vertices.numpy(), f=mesh.faces.numpy(), vc=np.full((8, 3), 200, np.uint8))
    record = {"name": "cube", "file": "cube.npz", "split": "train"}
    (tmp_path / "manifest.json").write_text(json.dumps({"objects": [record]}))
    render_mesh_orbits(tmp_path, tmp_path / "out", size=SCATTERED_SIDE_PX, draw=scattered(3))
    views = OrbitShard.open(OrbitShard.find_some(tmp_path / "out")[0]).views(0)
    assert views.images.shape == (3, 3, SCATTERED_SIDE_PX, SCATTERED_SIDE_PX)
    assert (views.masks.flatten(1).mean(1) > 0.05).all()
