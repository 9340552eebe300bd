import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.fields.cells import Cells
from recon_lib.fields.distance_grid import DistanceGrid
from recon_lib.fields.field import Field

CELLS = Cells(torch.tensor([-1.0, -1.0, -1.0]), 2.0, 17)
PLANE = DistanceGrid(CELLS, (CELLS.positions()[:, 1] - 0.2).view(17, 17, 17))  # inside below y = 0.2


def test_distances_are_linear_between_nodes():
    points = torch.rand(200, 3) * 2 - 1
    assert isinstance(PLANE, Field) and not PLANE.has_color
    assert torch.allclose(PLANE.inside(points), 0.2 - points[:, 1], atol=1e-5)
    assert torch.allclose(PLANE.normals(points), torch.tensor([0.0, 1.0, 0.0]).expand(200, 3), atol=1e-4)


def test_nothing_is_inside_beyond_the_bounds():
    below = PLANE.inside(torch.tensor([[0.0, -3.0, 0.0], [0.0, 3.0, 0.0]]))
    assert below.tolist() == pytest.approx([-2.0, -2.8], abs=1e-5)


def test_colours_are_the_nearest_points():
    colors = torch.eye(3)
    field = DistanceGrid(CELLS, PLANE.distance, torch.eye(3) * 0.5, colors)
    assert field.has_color
    assert torch.equal(field.color(torch.tensor([[0.0, 0.4, 0.1], [0.9, 0.1, 0.1]])), colors[[1, 0]])


def test_bad_shapes():
    with pytest.raises(BadInput, match="distance"):
        DistanceGrid(CELLS, torch.zeros(3, 3, 3))
    with pytest.raises(BadInput, match="colors"):
        DistanceGrid(CELLS, PLANE.distance, torch.zeros(2, 3), torch.zeros(3, 3))
