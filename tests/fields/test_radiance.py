import math
from dataclasses import replace

import pytest
import torch

from recon_lib.fields.contraction import Frame
from recon_lib.fields.field import ConeField, Cones, Field, RadianceField
from recon_lib.fields.radiance import RadianceGrid
from recon_lib.networks.radiance.level import GridLevel
from recon_lib.networks.radiance.model import RadianceModel

NODES = 17


def ball_grid(radius=0.5, slope=8.0):
    """Logarithm of the density that falls linearly with the distance from the centre, level 1 at the radius."""
    axis = torch.linspace(-1, 1, NODES)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    start = slope * (radius - nodes.norm(dim=-1))
    model = RadianceModel([GridLevel(NODES, 4)], start, seed=0)
    return RadianceGrid(model, Frame(torch.zeros(3), 1.0), spacing=2 / (NODES - 1), level=1.0)


def test_it_honours_the_contracts():
    assert isinstance(ball_grid(), Field) and isinstance(ball_grid(), RadianceField)
    assert isinstance(ball_grid(), ConeField)


def test_inside_is_the_logarithm_over_the_level():
    field = ball_grid()
    values = field.inside(torch.tensor([[0.5, 0, 0], [0.25, 0, 0], [0, 0.75, 0]]))
    assert values.tolist() == pytest.approx([0, 2, -2], abs=1e-2)
    higher = replace(field, level=2.0).inside(torch.tensor([[0.5, 0, 0]]))
    assert higher.item() == pytest.approx(-math.log(2), abs=1e-2)


def test_density_counts_by_world_units():
    field = ball_grid()
    assert field.density(torch.tensor([[0.5, 0, 0]])).item() == pytest.approx(1 / field.spacing, rel=1e-2)
    larger = replace(field, frame=Frame(torch.zeros(3), 3.0), spacing=3 * field.spacing)
    point = torch.tensor([[0.2, 0.1, 0.3]])
    torch.testing.assert_close(larger.density(3 * point), field.density(point) / 3)


def test_nothing_is_beyond_the_bounds():
    field, beyond = ball_grid(radius=5.0), torch.tensor([[1.2, 0, 0], [0, -3.0, 0]])
    assert (field.inside(beyond) < -10).all() and (field.density(beyond) < 1e-6).all()


def test_colors_and_directions():
    field, points = ball_grid(), torch.rand(9, 3) - 0.5
    with torch.no_grad():
        field.module.decoder.layers[0].weight.add_(0.3)
    up, right = torch.tensor([[0.0, 1, 0]]).expand(9, 3), torch.tensor([[1.0, 0, 0]]).expand(9, 3)
    assert not torch.equal(field.color(points, up), field.color(points, right))
    plain = replace(field, directional=False)
    assert torch.equal(plain.color(points, up), plain.color(points))
    torch.testing.assert_close(field.color(points, up), field.radiance(points, up).color)


def test_gradients_reach_the_tables():
    field = ball_grid()
    radiance = field.radiance(torch.zeros(1, 3), torch.tensor([[0.0, 0, 1]]))
    (radiance.density.sum() + radiance.color.sum()).backward()
    assert (field.module.levels[0].table.grad != 0).any(0).all()


def test_cones_with_several_points():
    field = ball_grid()
    points = torch.tensor([[[0.5, 0, 0], [0.25, 0, 0]]])
    density = field.cone_radiance(Cones(points, torch.zeros(1, 2), torch.zeros(1, 3))).density
    assert density.item() == pytest.approx(math.e / field.spacing, rel=2e-2)  # means of 0 and 2 before exp


def test_extraction_finds_the_ball():
    from recon_lib.stages.meshing.extract import extract_mesh

    mesh = extract_mesh(ball_grid(), 48).mesh
    torch.testing.assert_close(
        mesh.vertices.norm(dim=-1), torch.tensor(0.5).expand(len(mesh.vertices)), atol=0.02, rtol=0
    )
