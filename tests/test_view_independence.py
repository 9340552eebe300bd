"""The benchmark of view independence: shapes that every view tells alike come together."""

from types import SimpleNamespace
from typing import cast

import pytest
import torch

from benchmarks.view_independence import cloud, in_world, mutual_chamfer, up_error
from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.cameras.upright import angles_from_up, upright_rotation
from recon_lib.systems.reconstruction import Reconstruction
from tests.helpers.shapes import box

ROTATIONS = Cameras.orbit([20.0, 145, 260], [10.0, -5, 40], 3.0, 40.0, 32, 32).rotation.mT
SHAPE = box((0.2, 0.5, 0.35))


def result(mesh, **report):
    return cast(Reconstruction, SimpleNamespace(mesh=mesh, report=report))


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_view_aligned_shape_comes_back_by_the_whole_rotation(rotation):
    seen = SHAPE.mapped(lambda v: v @ rotation.mT @ FLIP_YZ)
    torch.testing.assert_close(in_world(result(seen), rotation).vertices, SHAPE.vertices, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_an_upright_shape_comes_back_by_a_turn_about_the_vertical(rotation):
    to_camera = upright_rotation(rotation[None, :, 1])[0]
    upright = SHAPE.mapped(lambda v: v @ rotation.mT @ to_camera)
    back = in_world(result(upright, elevation_roll_degrees=(0, 0)), rotation)
    torch.testing.assert_close(upright.vertices[:, 1], SHAPE.vertices[:, 1], atol=1e-5, rtol=0)
    torch.testing.assert_close(back.vertices, SHAPE.vertices, atol=1e-5, rtol=0)


def test_the_vertical_is_judged_in_the_cameras_frame():
    elevation, roll = (float(angle) for angle in angles_from_up(ROTATIONS[:1, :, 1]))
    assert up_error(result(SHAPE, elevation_roll_degrees=(elevation + 9, roll)), ROTATIONS[0]) == pytest.approx(
        9, abs=0.1
    )
    assert up_error(result(SHAPE), ROTATIONS[0]) is None


def test_equal_shapes_differ_by_sampling_alone_whatever_their_size_and_place():
    moved = SHAPE.mapped(lambda v: 3 * v + 5)
    same = mutual_chamfer([cloud(SHAPE, 0), cloud(moved, 1)])
    assert same < 0.05 < mutual_chamfer([cloud(SHAPE, 0), cloud(box((0.5, 0.2, 0.35)), 1)])
