"""The side of a surface that cameras see, whatever its winding says."""

from dataclasses import replace

import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.pieces import face_pieces
from recon_lib.render.facing import facing_signs
from tests.helpers.shapes import ball, quad


def beside(one, other, shift):
    return Mesh(
        torch.cat([one.vertices, other.vertices + shift]), torch.cat([one.faces, other.faces + len(one.vertices)])
    )


def test_pieces_are_connected_by_positions():
    both = beside(quad(), quad(), torch.tensor([2.0, 0, 0]))  # one edge in common, with vertices of its own
    assert face_pieces(both).tolist() == [0, 0, 0, 0]
    assert face_pieces(beside(quad(), quad(), torch.tensor([3.0, 0, 0]))).unique().tolist() == [0, 1]


def test_a_ball_inside_out_is_turned_and_its_neighbour_is_not():
    good, shift = ball(2), torch.tensor([2.5, 0, 0])
    both = beside(good, replace(good, faces=good.faces.flip(1)), shift)
    signs = facing_signs(both, Cameras.orbit([0.0, 180.0], 0.0, 8.0, 60.0, 64, 64))
    half = len(good.faces)
    assert (signs[:, :half] == 1).all() and (signs[:, half:] == -1).all()


def test_a_sheet_has_the_side_that_each_camera_sees():
    signs = facing_signs(quad(), Cameras.orbit([0.0, 180.0], 0.0, 4.0, 60.0, 32, 600))
    assert signs[:, 0].tolist() == [1, -1]
