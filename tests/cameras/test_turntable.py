"""Turntable cameras."""

import math

import pytest
import torch

from recon_lib.cameras.turntable import inscribed_sphere, turntable_cameras
from recon_lib.errors import BadInput


def test_the_sphere_fills_the_image_and_stays_inside():
    center, radius = torch.tensor([3.0, -1.0, 2.0]), 0.7
    cameras = turntable_cameras(5, elevation=20.0, fov=30.0, size=200, center=center, radius=radius)
    pixels, _ = cameras.project(center[None])
    torch.testing.assert_close(pixels, torch.full((5, 1, 2), 100.0), atol=1e-3, rtol=0)
    distance = float((cameras.position[0] - center).norm())
    seen = math.tan(math.asin(radius / distance)) / math.tan(math.radians(15.0))  # of half the image
    assert 0.9 < seen < 1.0


def test_azimuths_are_even_and_start_where_asked():
    cameras = turntable_cameras(4, elevation=0.0, start=90.0)
    direction = cameras.position / cameras.position.norm(dim=-1, keepdim=True)
    expected = torch.tensor([[1.0, 0, 0], [0, 0, -1.0], [-1.0, 0, 0], [0, 0, 1.0]])
    torch.testing.assert_close(direction, expected, atol=1e-6, rtol=0)


def test_bounds_of_a_field():
    center, radius = inscribed_sphere(torch.tensor([[-1.0, 0.0, 0.0], [1.0, 1.0, 4.0]]))
    assert center.tolist() == [0.0, 0.5, 2.0] and radius == 2.0


@pytest.mark.parametrize("how", [{"frames": 0}, {"frames": 3, "radius": 0.0}, {"frames": 3, "radius": float("nan")}])
def test_bad_input(how):
    with pytest.raises(BadInput):
        turntable_cameras(**how)
