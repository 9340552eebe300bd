import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.networks.g3dr.frame import BEHIND, CameraBox


def box(fov=40.0):
    camera = Cameras.orbit(0.0, fov=fov, height=32, width=32)
    return camera, CameraBox.of(camera.intrinsics, torch.full((1, 1, 32, 32), 2.0), torch.ones(1, 1, 32, 32))


def mapped(matrix, points):
    projective = points @ matrix[:, :3].T + matrix[:, 3]
    return projective[:, :3] / projective[:, 3:]


def test_the_first_plane_is_the_picture():
    camera, found = box()
    pixels = torch.tensor([[0.0, 0.0], [32, 16], [8, 30]])
    for depth in (1.7, 2.0, 2.9):
        rays = torch.nn.functional.pad(pixels, (0, 1), value=1.0) @ torch.linalg.inv(camera.intrinsics[0]).T
        inner = mapped(found.matrix[0], rays * depth)
        torch.testing.assert_close(inner[:, :2], pixels / 16 - 1, atol=1e-5, rtol=0)
        assert (inner[:, 2] - found.relief(torch.full((1, 1, 1, 1), depth)).item()).abs().max() < 1e-5


def test_what_is_seen_lies_before_the_middle_under_any_lens():
    for fov in (15.0, 40.0, 65.0):
        _, found = box(fov)
        half = found.half.item()
        torch.testing.assert_close(
            found.middle.item(), 2.0 + BEHIND * half / (found.middle.item() / 2.0), rtol=1e-4, atol=0
        )
        assert -0.6 < found.relief(torch.full((1, 1, 1, 1), 2.0)).item() < -0.35


def test_unknown_depth_is_zero():
    assert box()[1].relief(torch.zeros(1, 1, 4, 4)).abs().max() == 0
