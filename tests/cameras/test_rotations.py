import math

import pytest
import torch

from recon_lib.cameras.rotations import (
    icosahedral_rotations,
    quaternion_from_rotation,
    rotation_about,
    rotation_from_quaternion,
)


def test_a_quarter_turn_about_each_axis():
    x, y, z = torch.eye(3, dtype=torch.float64)
    assert torch.allclose(rotation_about((1, 0, 0), 90) @ y, z)
    assert torch.allclose(rotation_about((0, 2, 0), 90) @ z, x)
    assert torch.allclose(rotation_about((0, 0, 1), 90) @ x, y)


def test_quaternions_of_known_turns():
    half = math.sqrt(0.5)
    turns = rotation_from_quaternion(torch.tensor([[0.0, 0, 0, 1], [0, 0, 0, -3], [0, half, 0, half], [1, 0, 0, 0]]))
    assert torch.allclose(turns[0], torch.eye(3))
    assert torch.allclose(turns[1], torch.eye(3))
    assert torch.allclose(turns[2], rotation_about((0, 1, 0), 90).float(), atol=1e-6)
    assert torch.allclose(turns[3], torch.diag(torch.tensor([1.0, -1, -1])))


def test_quaternion_and_rotation_are_inverse_even_at_half_turns():
    quaternion = torch.randn(200, 4, dtype=torch.float64)
    quaternion[:50, 3] = 0  # half turns
    rotation = rotation_from_quaternion(quaternion)
    again = quaternion_from_rotation(rotation)
    assert (again[:, 3] >= 0).all()
    assert torch.allclose(rotation_from_quaternion(again), rotation, atol=1e-12)


def test_the_sixty_rotations_form_a_group():
    group = icosahedral_rotations()
    assert group.shape == (60, 3, 3)
    assert torch.equal(group[0], torch.eye(3, dtype=torch.float64))
    assert torch.allclose(torch.linalg.det(group), torch.ones(60, dtype=torch.float64))
    products = (group[:, None] @ group).reshape(-1, 9)
    distance = torch.cdist(products, group.reshape(60, 9))
    assert distance.amin(1).max() < 1e-6  # closed
    assert torch.pdist(group.reshape(60, 9)).min() > 0.5  # all different


def test_every_rotation_is_within_45_degrees_of_one():
    group = icosahedral_rotations()
    others = rotation_from_quaternion(torch.randn(3000, 4, dtype=torch.float64))
    traces = torch.einsum("nij,gij->ng", others, group)
    worst = torch.rad2deg(torch.acos(((traces - 1) / 2).clamp(-1, 1)).amin(1).max())
    assert 35 < float(worst) <= 45


@pytest.mark.parametrize("axis", [(0.3, -2.0, 0.4), (1, 1, 1)])
def test_opposite_turns_cancel(axis):
    product = rotation_about(axis, 50) @ rotation_about(axis, -50)
    assert torch.allclose(product, torch.eye(3, dtype=torch.float64))
