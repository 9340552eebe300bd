"""Joining, carving, placing and asking for parts."""

import pytest
import torch

from recon_lib.data.solids.primitives import Ball
from recon_lib.data.solids.solid import CHUNK, Part, Solid
from recon_lib.data.solids.space import moved
from recon_lib.errors import BadInput

COLORS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
PAIR = Solid((Part(Ball(0.5)), Part(moved(Ball(0.5), x=1.0), 1)), COLORS)


def test_union_of_parts_and_nearest_part() -> None:
    points = torch.tensor([[-0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [1.2, 0.0, 0.0], [1.0, 2.0, 0.0]])
    torch.testing.assert_close(PAIR.distance(points), torch.tensor([0.0, -0.5, -0.3, 1.5]))
    assert PAIR.part(points).tolist() == [0, 0, 1, 1]
    torch.testing.assert_close(PAIR.inside(points), -PAIR.distance(points))


def test_frame_moves_and_scales_points_and_distances() -> None:
    solid = Solid(PAIR.parts, COLORS, centre=(1.0, 0.0, 0.0), scale=0.5)
    points = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # the centre of the second ball, and above it
    torch.testing.assert_close(solid.distance(points), torch.tensor([-0.25, 0.75]))


def test_carve_cuts_every_part() -> None:
    solid = Solid(PAIR.parts, COLORS, carve=moved(Ball(0.3), x=0.5))
    torch.testing.assert_close(solid.distance(torch.tensor([[0.5, 0.0, 0.0]])), torch.tensor([0.3]))


def test_blend_fills_the_joint_only() -> None:
    melted = Solid((PAIR.parts[0], Part(PAIR.parts[1].node, 1, blend=0.4)), COLORS)
    joint, far = torch.tensor([[0.5, 0.1, 0.0]]), torch.tensor([[-0.6, 0.0, 0.0]])
    assert melted.distance(joint) < PAIR.distance(joint) - 0.05
    assert torch.equal(melted.distance(far), PAIR.distance(far))


def test_many_points_are_split_without_a_trace() -> None:
    points = torch.randn(2 * CHUNK + 3, 3)
    whole = PAIR.distance(points)
    assert whole.shape == (len(points),)
    torch.testing.assert_close(whole[CHUNK - 2 : CHUNK + 2], PAIR.distance(points[CHUNK - 2 : CHUNK + 2]))


def test_points_must_have_three_coordinates() -> None:
    with pytest.raises(BadInput, match="points has shape"):
        PAIR.part(torch.zeros(5, 2))
