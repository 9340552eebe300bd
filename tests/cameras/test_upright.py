import pytest
import torch

from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.cameras.upright import angles_from_up, up_from_angles, upright_rotation


def up_of(camera):
    return camera.rotation[:, 1]  # the world's up in the camera's axes: row 1 of camera-to-world


def test_the_level_camera_in_front_has_the_worlds_frame():
    torch.testing.assert_close(upright_rotation(up_of(Cameras.orbit(0.0)))[0], FLIP_YZ)


@pytest.mark.parametrize("azimuth", [0.0, 50.0, 170.0, -100.0])
@pytest.mark.parametrize("elevation", [-60.0, 0.0, 35.0, 75.0])
def test_an_orbit_differs_from_the_world_by_its_azimuth_alone(azimuth, elevation):
    camera = Cameras.orbit(azimuth, elevation)
    world_to_upright = upright_rotation(up_of(camera)).mT @ camera.rotation.mT
    turned = Cameras.orbit(azimuth).position @ world_to_upright[0].T
    torch.testing.assert_close(turned, Cameras.orbit(0.0).position, atol=1e-5, rtol=0)
    torch.testing.assert_close(world_to_upright[0, 1], torch.tensor([0.0, 1, 0]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("elevation", [89.0, -89.0])
def test_straight_down_and_up_the_top_of_the_picture_is_known(elevation):
    """Just off the pole and on it, the frame is nearly the same."""
    before, after = (upright_rotation(up_of(Cameras.orbit(30.0, e))) for e in (elevation * 0.88, elevation))
    assert float((before * after).sum((1, 2))) > 1 + 2 * 0.95


def test_rotations_are_proper():
    up = torch.nn.functional.normalize(torch.randn(50, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    rotation = upright_rotation(up)
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(50))


def test_angles_there_and_back():
    elevation, roll = torch.tensor([20.0, -30.0, 80.0]), torch.tensor([0.0, 25.0, -170.0])
    up = up_from_angles(elevation, roll)
    torch.testing.assert_close(up.norm(dim=-1), torch.ones(3))
    for found, wanted in zip(angles_from_up(up), (elevation, roll), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        up_from_angles(elevation[:1], roll[:1]), up_of(Cameras.orbit(40.0, 20.0)), atol=1e-6, rtol=0
    )
