import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import Interrupted
from recon_lib.stages.posing.descent import AdjustSettings, System, descend, redescending, solve

VIEWS, SIZE = 2, 14


class Place:
    """A state of 14 numbers whose cost is their squared distance from ones, curved along the first."""

    cameras = Cameras.orbit([0.0, 90.0], 0.0, 3.0, 40.0, 8, 8)

    def __init__(self, at):
        self.at = at

    def after(self, equations, step):
        return Place(self.at + step.flatten())


def towards_ones(state):
    off = state.at - 1
    return System(torch.eye(SIZE).double(), off, float(off.square().sum()))


def nowhere(state):
    """A slope that promises what never comes."""
    return System(torch.eye(SIZE).double(), torch.ones(SIZE).double(), 1.0 + float(state.at.abs().sum()))


def test_it_goes_to_the_least():
    own = AdjustSettings(own_focal=True, iterations=8)
    found = descend(Place(torch.zeros(SIZE).double()), towards_ones, own, lambda: None)
    assert found.at.tolist() == pytest.approx([1.0] * SIZE, abs=1e-4)


def test_steps_that_gain_nothing_are_not_taken():
    start = Place(torch.zeros(SIZE).double())
    assert descend(start, nowhere, AdjustSettings(), lambda: None) is start


def test_views_share_their_focal_length_unless_told_otherwise():
    vector = torch.zeros(SIZE).double()
    vector[6], vector[13] = -1.0, -3.0
    system = System(torch.eye(SIZE).double(), vector, 1.0)
    assert solve(system, 0.0, own_focal=False)[:, 6].tolist() == pytest.approx([2.0, 2.0])
    assert solve(system, 0.0, own_focal=True)[:, 6].tolist() == pytest.approx([1.0, 3.0])


def test_outliers_cost_a_limited_amount():
    weight, cost = redescending(torch.tensor([0.0, 1e6]), 3.0, torch.ones(2))
    assert weight.tolist() == pytest.approx([1.0, 0.0]) and cost == pytest.approx(9.0)


def test_it_can_be_stopped():
    def stop():
        raise Interrupted

    with pytest.raises(Interrupted):
        descend(Place(torch.zeros(SIZE).double()), towards_ones, AdjustSettings(), stop)
