import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.world_up import turn_to_y_up, turned_cameras, world_up

RING = Cameras.orbit([0.0, 90, 180, 270], [10.0, 40, 20, 30], 3.0, 40.0, 8, 8)
AXES = [(0, 0, 1), (0, 1, 0), (0, -1, 0), (0, 0, -1), (1, 0, 0), (-1, 0, 0)]


@pytest.mark.parametrize("axis", AXES)
def test_the_axis_that_cameras_have_above_them(axis):
    up = torch.tensor(axis, dtype=torch.float64)
    cameras = turned_cameras(RING, turn_to_y_up(up).T)
    assert world_up(cameras, True).tolist() == list(axis)
    torch.testing.assert_close(world_up(cameras, False), up, atol=1e-6, rtol=0)


def test_tilted_worlds():
    up = torch.nn.functional.normalize(torch.tensor([0.3, -0.8, 0.2], dtype=torch.float64), dim=0)
    cameras = turned_cameras(RING, turn_to_y_up(up).T)
    torch.testing.assert_close(world_up(cameras, False), up, atol=1e-6, rtol=0)
    assert world_up(cameras, True).tolist() == [0, -1, 0]


def test_where_cameras_do_not_tell():
    down = Cameras.orbit([0.0, 90, 180, 270], 90.0, 3.0, 40.0, 8, 8)
    assert world_up(down, True).tolist() == [0, 0, 1]
    assert world_up(down, False).tolist() == [0, 1, 0]


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_the_turn_is_a_rotation_that_brings_up_to_y(values):
    up = torch.tensor(values, dtype=torch.float64)
    if up.norm() < 0.1:
        return
    up = up / up.norm()
    rotation = turn_to_y_up(up)
    torch.testing.assert_close(rotation @ up, torch.tensor([0.0, 1, 0], dtype=torch.float64), atol=1e-4, rtol=0)
    assert torch.linalg.det(rotation) == pytest.approx(1, abs=1e-4)


def test_z_up_turns_as_blender_does():
    rotation = turn_to_y_up(torch.tensor([0.0, 0, 1], dtype=torch.float64))
    assert (rotation @ torch.tensor([1.0, 2, 3], dtype=torch.float64)).tolist() == [1, 3, -2]
