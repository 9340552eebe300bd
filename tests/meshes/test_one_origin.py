"""Meshes and cameras far from zero: what is seen is what is seen near it."""

import json
from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.cameras.camera_json import camera_from_json
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.meshes.one_origin import counted_alike
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.evaluation.meshes import compare_meshes
from recon_lib.stages.meshing.texture import bake_texture
from recon_lib.views.posed_images import load_views, save_views
from tests.helpers import shapes

UTM = ((5e5, 5_400_000.25, 300.5), (5e6, -5e6, 5e6))
RING = Cameras.orbit([0.0, 120.0, 240.0], 20.0, 4.0, 40.0, 32, 32)


def ball():
    return shapes.ball(3)


@pytest.fixture(scope="module", params=UTM, ids=str)
def surveyed(request, tmp_path_factory):
    """A ball as an OBJ, pictures of it, and one of their cameras, all in map coordinates."""
    folder, offset = tmp_path_factory.mktemp("survey"), torch.tensor(request.param, dtype=torch.float64)
    rows = [f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in (ball().vertices.double() + offset).tolist()]
    rows += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in ball().faces.tolist()]
    (folder / "ball.obj").write_text("\n".join(rows))
    views = render_mesh(ball(), RING, shading="normal").as_views(RING)
    save_views(replace(views, cameras=replace(RING, origin=request.param)), folder / "views")
    pose = RING.camera_to_world[0].double()
    pose[:3, 3] += offset
    pose[:3, :3] = pose[:3, :3] @ FLIP_YZ.double()
    camera = {"transform_matrix": pose.tolist(), "fov": 40.0, "width": 32, "height": 32}
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder


def test_a_mesh_and_the_cameras_of_its_pictures_meet(surveyed):
    mesh, views = load_mesh(surveyed / "ball.obj"), load_views(surveyed / "views")
    assert any(mesh.origin) and any(views.origin) and mesh.origin != views.origin
    near, far = render_mesh(ball(), RING), render_mesh(mesh, views.cameras)
    torch.testing.assert_close(far.masks, near.masks, atol=0.3, rtol=0)  # a pixel's sample may change sides
    assert float((far.masks - near.masks).abs().mean()) < 1e-3
    both = (near.depth > 0) & (far.depth > 0)
    torch.testing.assert_close(far.depth[both], near.depth[both], atol=2e-3, rtol=0)


def test_pictures_of_a_far_mesh_can_be_baked_onto_it(surveyed):
    mesh = load_mesh(surveyed / "ball.obj")
    _, cameras = counted_alike(mesh, RING)
    shown = render_mesh(mesh, cameras, shading="clay").as_views(cameras)
    assert shown.origin == mesh.origin
    assert bake_texture(mesh, shown, size=64).origin == mesh.origin


def test_a_far_camera_splits_what_it_sees(surveyed):
    camera = camera_from_json(json.loads((surveyed / "camera.json").read_text()))
    mesh = load_mesh(surveyed / "ball.obj")
    seen = compare_meshes(mesh, mesh, samples=2000, camera=camera)["seen"]["share_of_truth"]
    assert seen == pytest.approx((1 - 1 / 4) / 2, abs=0.04)  # the cap that a point at 4 radii sees


def test_which_of_two_frames_is_meant():
    far = replace(ball(), origin=UTM[0])
    assert counted_alike(far, replace(RING, origin=far.origin))[0] is far
    same, cameras = counted_alike(far, RING)  # an orbit around the vertices
    assert same is far and cameras.origin == far.origin
    fitted, cameras = counted_alike(ball(), replace(RING, origin=UTM[0]))  # made from these views
    assert fitted.origin == cameras.origin == UTM[0]
    torch.testing.assert_close(fitted.vertices, ball().vertices)
    placed = replace(ball(), origin=(4096.0, 0.0, 0.0))
    around = RING.moved_to((-4096.0, 0.0, 0.0))  # cameras in the file's own coordinates
    moved, cameras = counted_alike(placed, replace(around, origin=(0.0, 0.0, 0.0)))
    assert cameras.origin == moved.origin == (0.0, 0.0, 0.0)
    torch.testing.assert_close(moved.vertices, ball().vertices + torch.tensor([4096.0, 0, 0]))
