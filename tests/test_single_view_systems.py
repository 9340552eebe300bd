"""The side-by-side benchmark of systems: frames and means, on shapes whose answer is known."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from benchmarks.single_view_systems import figures, in_picture_frame, means, up_error
from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.upright import angles_from_up
from recon_lib.data.shards.scenes import Scene
from recon_lib.systems.reconstruction import Reconstruction
from tests.helpers.shapes import box

SIDE = 64
INTRINSICS = np.array([[80, 0, 32], [0, 80, 32], [0, 0, 1]], np.float32)


def scene(world_to_camera=None):
    found = SimpleNamespace(mask=np.ones((SIDE, SIDE), bool), intrinsics=INTRINSICS, world_to_camera=world_to_camera)
    return cast(Scene, found)


def result(mesh=None, cameras=None, **report):
    return cast(Reconstruction, SimpleNamespace(mesh=mesh, views=SimpleNamespace(cameras=cameras), report=report))


def at_distance(mesh, distance):
    return mesh.mapped(lambda v: v - torch.tensor([0.0, 0, distance]))


def test_a_mesh_is_taken_to_the_frame_of_its_own_camera():
    cameras = Cameras.orbit(30.0, 70.0, 3.0, 40.0, SIDE, SIDE)
    inside = in_picture_frame(result(box(), cameras)).vertices
    seen = cameras.to_camera(box().vertices)[0] * torch.tensor([1.0, -1, -1])
    torch.testing.assert_close(inside, seen, atol=1e-5, rtol=0)


def test_the_truth_itself_is_right_seen_and_unseen():
    truth = at_distance(box(), 4.0)
    row = figures(at_distance(box(), 7.0).mapped(lambda v: 2 * v), truth, scene())
    assert all(row[name] == pytest.approx(1, abs=0.01) for name in ("f", "f_similarity", "f_seen", "f_unseen"))
    assert row["chamfer_unseen"] < 0.03


def test_the_angle_to_the_true_vertical():
    pose = Cameras.orbit(20.0, 0.0, 3.0, 40.0, SIDE, SIDE)
    true = np.linalg.inv(pose.camera_to_world[0].numpy())
    elevation, roll = (float(angle) for angle in angles_from_up(torch.tensor(true[:3, 1])[None]))
    assert up_error(result(elevation_roll_degrees=(elevation, roll)), scene(true)) == pytest.approx(0, abs=0.1)
    assert up_error(result(elevation_roll_degrees=(elevation + 12, roll)), scene(true)) == pytest.approx(12, abs=0.1)
    assert np.isnan(up_error(result(), scene(true)))


def test_means_leave_out_what_is_undefined():
    rows = [{"f": 0.2, "up": 3.0}, {"f": 0.4, "up": float("nan")}, {"f": 0.6, "up": 5.0}, {"f": 0.0, "up": 50.0}]
    assert means(rows) == {"f": 0.3, "up": 5.0, "count": 4}
