import math

import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.stages.posing.increments import cross_matrix, moved, project

CAMERAS = Cameras.orbit([0.0, 50.0, 120.0], 20.0, 3.0, 40.0, 48, 64)
POINTS = 0.4 * torch.randn(20, 3, generator=torch.Generator().manual_seed(0))


def step(index: int, size: float) -> torch.Tensor:
    increments = torch.zeros(len(CAMERAS), 7)
    increments[:, index] = size
    return increments


def test_cross_matrix_is_the_cross_product():
    a, b = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close((cross_matrix(a) @ b[..., None])[..., 0], torch.linalg.cross(a, b))


def test_a_quarter_turn_about_the_camera_s_own_vertical_swaps_its_axes():
    turned = moved(CAMERAS, step(1, math.pi / 2))
    torch.testing.assert_close(turned.rotation[:, :, 2], CAMERAS.rotation[:, :, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(turned.position, CAMERAS.position, atol=1e-5, rtol=0)


def test_translation_is_along_the_camera_s_axes_and_focal_length_a_factor():
    ahead = moved(CAMERAS, step(5, 0.5))
    torch.testing.assert_close(ahead.position, CAMERAS.position + 0.5 * CAMERAS.rotation[:, :, 2])
    longer = moved(CAMERAS, step(6, math.log(2)))
    torch.testing.assert_close(longer.intrinsics[:, 1, 1], 2 * CAMERAS.intrinsics[:, 1, 1])
    torch.testing.assert_close(longer.intrinsics[:, :2, 2], CAMERAS.intrinsics[:, :2, 2])


def test_pixels_are_the_cameras_own():
    pixels, depth = CAMERAS.project(POINTS)
    projected = project(CAMERAS, POINTS)
    torch.testing.assert_close(projected.pixels, pixels.movedim(0, 1), atol=1e-3, rtol=0)
    torch.testing.assert_close(projected.depth, depth.T)


def test_derivatives_by_the_camera_are_finite_differences():
    exact = project(CAMERAS, POINTS).by_camera
    for index in range(7):
        ahead, behind = (project(moved(CAMERAS, step(index, h)), POINTS).pixels for h in (1e-3, -1e-3))
        torch.testing.assert_close((ahead - behind) / 2e-3, exact[..., index], atol=0.03, rtol=1e-3)


def test_derivatives_by_the_point_are_finite_differences():
    exact = project(CAMERAS, POINTS).by_point
    for axis in range(3):
        offset = 1e-3 * torch.eye(3)[axis]
        ahead, behind = (project(CAMERAS, POINTS + sign * offset).pixels for sign in (1, -1))
        torch.testing.assert_close((ahead - behind) / 2e-3, exact[..., axis], atol=0.03, rtol=1e-3)
