"""A lattice reads linear functions exactly, values and slopes."""

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.fields.cells import Cells

CELLS = Cells(torch.tensor([-1.0, -2.0, 0.5]), 3.0, 7)


def plane(points):
    return points @ torch.tensor([1.0, -2.0, 0.5]) + 0.3


def inner_points(count=200):
    return CELLS.low + torch.rand(count, 3) * CELLS.side


def test_nodes_are_numbered_with_z_fastest():
    assert torch.allclose(CELLS.positions(torch.tensor([1]))[0], CELLS.low + torch.tensor([0, 0, 0.5]))
    assert torch.allclose(CELLS.positions()[49], CELLS.low + torch.tensor([0.5, 0, 0]))
    assert torch.allclose(CELLS.positions()[-1], CELLS.low + 3)


def test_a_linear_function_is_read_exactly():
    points = inner_points()
    values = plane(CELLS.positions())
    nodes, fraction = CELLS.locate(points)
    around = values[nodes.long()]
    assert torch.allclose((around * CELLS.weights(fraction)).sum(-1), plane(points), atol=1e-5)
    read = (around[:, None] * CELLS.weights_and_slopes(fraction)).sum(-1)
    assert torch.allclose(read[:, 0], plane(points), atol=1e-5)
    assert torch.allclose(read[:, 1:], torch.tensor([1.0, -2.0, 0.5]).expand(200, 3), atol=1e-4)


def test_read_agrees_with_the_weights():
    values, points = torch.rand(7, 7, 7), inner_points()
    nodes, fraction = CELLS.locate(points)
    expected = (values.view(-1)[nodes.long()] * CELLS.weights(fraction)).sum(-1)
    assert torch.allclose(CELLS.read(values, points), expected, atol=1e-5)


def test_slopes_are_the_derivatives_of_the_value():
    values = torch.rand(7, 7, 7, dtype=torch.float64)
    points = inner_points().double().requires_grad_()
    CELLS.read(values, points).sum().backward()
    nodes, fraction = CELLS.locate(points.detach())
    slopes = (values.view(-1)[nodes.long()][:, None] * CELLS.weights_and_slopes(fraction)).sum(-1)[:, 1:]
    assert torch.allclose(slopes, points.grad, atol=1e-6)


def test_points_outside_count_as_the_nearest_inside():
    values = torch.rand(7, 7, 7)
    outside = torch.tensor([[-5.0, 0.0, 1.0], [9.0, 9.0, 9.0]])
    nearest = outside.clamp(CELLS.low, CELLS.low + CELLS.side)
    assert torch.allclose(CELLS.read(values, outside), CELLS.read(values, nearest), atol=1e-5)
    nodes, fraction = CELLS.locate(outside)
    assert (nodes >= 0).all() and (nodes < 343).all()
    assert (fraction >= 0).all() and (fraction <= 1).all()


def test_the_cube_around_a_box_shares_its_centre():
    cells = Cells.within(torch.tensor([[0.0, 0, 0], [1, 4, 2]]), 9)
    assert torch.allclose(cells.bounds, torch.tensor([[-1.5, 0, -1], [2.5, 4, 3]]))
    assert cells.spacing == 0.5


@pytest.mark.parametrize(("side", "nodes"), [(0.0, 8), (1.0, 1), (-1.0, 8)])
def test_an_empty_grid_is_told(side, nodes):
    with pytest.raises(BadInput, match="is empty"):
        Cells(torch.zeros(3), side, nodes)
