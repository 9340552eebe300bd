import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.paths import interpolated, pivot, spiral
from recon_lib.errors import BadInput


def test_spiral_rises_and_looks_at_the_centre():
    center = torch.tensor([1.0, 2.0, 3.0])
    cameras = spiral(9, turns=1.0, lowest=-20, highest=60, center=center, radius=0.5, size=32)
    offset = cameras.position - center
    distance = offset.norm(dim=-1)
    elevation = torch.rad2deg(torch.asin(offset[:, 1] / distance))
    torch.testing.assert_close(elevation, torch.linspace(-20, 60, 9), atol=1e-2, rtol=0)
    torch.testing.assert_close(distance, distance[:1].expand(9))
    torch.testing.assert_close(cameras.rotation[:, :, 2], -offset / distance[:, None], atol=1e-5, rtol=0)


def test_interpolation_between_orbit_cameras_is_the_orbit():
    ends = Cameras.orbit([0.0, 90.0], 0.0, 3.0, [30.0, 50.0], 8, 8)
    path = interpolated(ends, 4)
    expected = Cameras.orbit([0.0, 30.0, 60.0, 90.0], 0.0, 3.0, 40.0, 8, 8)
    torch.testing.assert_close(path.camera_to_world, expected.camera_to_world, atol=1e-5, rtol=0)
    torch.testing.assert_close(path.intrinsics[[0, -1]], ends.intrinsics)


def test_distances_change_evenly():
    path = interpolated(Cameras.orbit([10.0, 80.0], [0.0, 40.0], [2.0, 4.0], 40.0, 8, 8), 5)
    torch.testing.assert_close(path.position.norm(dim=-1), torch.linspace(2, 4, 5), atol=1e-4, rtol=0)


def test_path_passes_the_given_cameras():
    given = Cameras.orbit([0.0, 50.0, 130.0], [0.0, 30.0, -20.0], [3.0, 2.5, 3.0], 40.0, 8, 8)
    path = interpolated(given, 9)
    torch.testing.assert_close(path.camera_to_world[[0, 4, 8]], given.camera_to_world, atol=1e-5, rtol=0)
    rotation = path.rotation
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand(9, 3, 3), atol=1e-5, rtol=0)


def test_closed_path_does_not_repeat_its_first_camera():
    given = Cameras.orbit([0.0, 120.0, 240.0], 10.0, 3.0, 40.0, 8, 8)
    path = interpolated(given, 6, closed=True)
    expected = Cameras.orbit([0.0, 120.0, 240.0], 10.0, 3.0, 40.0, 8, 8)
    torch.testing.assert_close(path.camera_to_world[::2], expected.camera_to_world, atol=1e-5, rtol=0)
    assert (path.position[5] - path.position[0]).norm() > 1


def test_opposite_and_equal_cameras():
    opposite = interpolated(Cameras.orbit([0.0, 180.0], 0.0, 3.0, 40.0, 8, 8), 3)
    equal = interpolated(Cameras.orbit([20.0, 20.0], 0.0, 3.0, 40.0, 8, 8), 3)
    assert opposite.camera_to_world.isfinite().all()
    torch.testing.assert_close(equal.camera_to_world[1], equal.camera_to_world[0])


def test_pivot():
    cameras = Cameras.orbit([0.0, 70.0, 200.0], [0.0, 20.0, -30.0], 3.0, 40.0, 8, 8)
    moved = cameras.camera_to_world.clone()
    moved[:, :3, 3] += torch.tensor([1.0, -2.0, 0.5])
    torch.testing.assert_close(
        pivot(Cameras(moved, cameras.intrinsics, 8, 8)), torch.tensor([1.0, -2.0, 0.5]), atol=1e-4, rtol=0
    )
    assert not pivot(cameras[torch.tensor([0, 0])]).any()


def test_too_few():
    with pytest.raises(BadInput):
        interpolated(Cameras.orbit(0.0), 5)
    with pytest.raises(BadInput):
        spiral(0)
