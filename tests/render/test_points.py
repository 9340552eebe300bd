"""Splatted points: where they fall, which is in front, what is left out."""

import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.render.points import render_points

RED, BLUE = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
CAMERA = Cameras.orbit(0.0, 0.0, 3.0, 40.0, 33, 33)


def test_the_origin_falls_on_the_middle_pixel():
    picture = render_points(torch.zeros(1, 3), RED[None], CAMERA, size=0)[0]
    assert torch.equal(picture[:, 16, 16], RED)
    assert int((picture != 1).any(0).sum()) == 1


def test_the_nearer_point_hides_the_farther_one_in_either_order():
    points = torch.tensor([[0, 0, 0.5], [0, 0, -0.5]])
    for order in ([0, 1], [1, 0]):
        picture = render_points(points[order], torch.stack([RED, BLUE])[order], CAMERA, size=1)[0]
        assert torch.equal(picture[:, 16, 16], RED)


def test_points_behind_the_camera_and_outside_the_frame_are_not_drawn():
    picture = render_points(torch.tensor([[0, 0, 9.0], [50.0, 0, 0]]), None, CAMERA)
    assert bool((picture == 1).all())


def test_no_points_give_the_background():
    picture = render_points(torch.zeros(0, 3), None, CAMERA, background=(0.0, 0.5, 0.0))
    assert torch.equal(picture[0, :, 0, 0], torch.tensor([0, 0.5, 0]))
