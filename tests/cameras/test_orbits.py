"""Camera paths against positions that can be written down."""

import pytest
import torch

from recon_lib.cameras.orbits import arc
from recon_lib.errors import BadInput


def test_a_circle_of_four_stands_on_the_axes():
    positions = arc(4, elevation=0.0, distance=2.0).position
    torch.testing.assert_close(positions, torch.tensor([[0, 0, 2.0], [2, 0, 0], [0, 0, -2], [-2, 0, 0]]))


def test_a_short_arc_has_a_camera_at_both_ends():
    positions = arc(3, start=-90.0, sweep=180.0, elevation=0.0, distance=1.0).position
    torch.testing.assert_close(positions, torch.tensor([[-1.0, 0, 0], [0, 0, 1], [1, 0, 0]]))


def test_a_negative_circle_runs_the_other_way():
    assert torch.allclose(arc(4, sweep=-360.0).position[1], arc(4).position[3], atol=1e-6)


def test_one_camera_stands_at_the_start():
    position = arc(1, start=90.0, sweep=180.0, elevation=0.0, distance=3.0).position
    assert torch.allclose(position[0, 0], torch.tensor(3.0))


def test_no_camera_is_told():
    with pytest.raises(BadInput, match="at least one"):
        arc(0)
