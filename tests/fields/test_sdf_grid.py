"""A grid that holds a sphere of radius 0.5, red on its right and blue on its left."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib.errors import BadInput
from recon_lib.fields.cells import Cells
from recon_lib.fields.field import DistanceField
from recon_lib.fields.sdf_grid import SdfGrid, shared_rows
from recon_lib.networks.volsdf.density import laplace_density
from recon_lib.networks.volsdf.grid_color import GridColor
from recon_lib.stages.meshing.extract import extract_mesh

CELLS = Cells(torch.tensor([-1.0, -1.0, -1.0]), 2.0, 33)
RED, BLUE = 0, 1


def grid() -> SdfGrid:
    nodes = CELLS.positions()
    distance = (nodes.norm(dim=-1) - 0.5).view(33, 33, 33)
    rows = torch.where(nodes[:, 0] > 0, RED, BLUE).int().view(33, 33, 33)
    features = torch.zeros(2, 6)
    features[RED, :3], features[BLUE, :3] = torch.tensor([4.0, -4, -4]), torch.tensor([-4.0, -4, 4])
    return SdfGrid(CELLS, distance, rows, features, GridColor(6, 8).requires_grad_(False), 0.01)


def test_it_is_a_distance_field():
    assert isinstance(grid(), DistanceField)
    assert torch.allclose(grid().bounds, torch.tensor([[-1.0] * 3, [1.0] * 3]))


def test_inside_is_minus_the_distance():
    points = torch.rand(500, 3) * 2 - 1
    error = grid().inside(points) - (0.5 - points.norm(dim=-1))
    assert error.abs()[points.norm(dim=-1) > 0.2].max() < 0.01


def test_the_density_is_volsdfs():
    points = torch.rand(50, 3)
    assert torch.equal(grid().density(points), laplace_density(-grid().inside(points), 0.01))
    assert grid().density(torch.tensor([[0.1, 0.0, 0.0]])).item() == pytest.approx(100)


def test_nothing_is_inside_beyond_the_bounds():
    parts = [getattr(grid(), name) for name in ("rows", "features", "module")]
    full = SdfGrid(CELLS, torch.full((33, 33, 33), -0.3), *parts, 0.01)
    outside = torch.tensor([[1.2, 0, 0], [0, -1.001, 0], [2, 2, 2]])
    assert (full.inside(outside) < 0).all()
    assert torch.allclose(full.inside(outside)[0], torch.tensor(-0.2), atol=1e-5)
    assert (full.inside(outside * 0.5) > 0).all()


def test_normals_point_outward():
    points = F.normalize(torch.randn(200, 3), dim=-1) * 0.5
    assert (grid().normals(points) * points * 2).sum(-1).min() > 0.99


def test_colors_are_those_of_the_nearest_rows():
    colors = grid().color(torch.tensor([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]))
    high, low = 1 / (1 + torch.tensor(-4.0).exp()), 1 / (1 + torch.tensor(4.0).exp())
    expected = torch.stack([torch.stack([high, low, low]), torch.stack([low, low, high])])
    assert torch.allclose(colors, expected, atol=1e-5)


def test_the_default_direction_looks_straight_at_the_surface():
    field = grid()
    torch.nn.init.normal_(field.module.outer.weight)
    points = F.normalize(torch.randn(50, 3), dim=-1) * 0.5
    assert torch.allclose(field.color(points), field.color(points, -field.normals(points)))
    assert not torch.allclose(field.color(points), field.color(points, field.normals(points)))


def test_its_surface_is_the_sphere():
    mesh = extract_mesh(grid(), 48).mesh
    assert (mesh.vertices.norm(dim=-1) - 0.5).abs().max() < 0.005


def test_rows_are_shared_with_the_nearest_node_that_has_one():
    own = torch.full((5, 5, 5), -1, dtype=torch.int32)
    own[0, 0, 0], own[4, 4, 4] = 3, 7
    shared = shared_rows(own)
    assert shared[1, 0, 1] == 3 and shared[4, 3, 3] == 7
    assert set(shared.unique().tolist()) == {3, 7}


@pytest.mark.parametrize("part", ["distance", "rows", "features"])
def test_parts_of_another_shape_are_reported(part):
    parts = {name: getattr(grid(), name) for name in ("distance", "rows", "features")}
    parts[part] = parts[part][0]
    with pytest.raises(BadInput, match=part):
        SdfGrid(CELLS, **parts, module=GridColor(6, 8), beta=0.01)


def test_points_of_another_shape_are_reported():
    for question in (grid().inside, grid().normals, grid().color):
        with pytest.raises(BadInput, match="points"):
            question(torch.zeros(3))
