"""The narrow band against a dense grid, meshes against closed forms, colours of parts."""

import math

import pytest
import torch

from recon_lib.data.solids.generator import random_solid
from recon_lib.data.solids.grid import narrow_band, surface_mesh
from recon_lib.data.solids.primitives import Ball
from recon_lib.data.solids.solid import Part, Solid
from recon_lib.errors import BadInput

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
BALL = Solid((Part(Ball(0.7)),), (RED,))


@pytest.mark.parametrize("family", ["creature", "appliance", "abstract", "wearable"])
def test_narrow_band_is_the_dense_grid_where_the_surface_is(family: str) -> None:
    solid = random_solid(3, family)
    blocks, voxel = 12, 2.2 / 48
    lower = torch.full((3,), -1.1)
    band = narrow_band(solid, lower, voxel, (blocks,) * 3)
    nodes = lower + torch.cartesian_prod(*(torch.arange(blocks * 4),) * 3) * voxel
    dense = solid.distance(nodes).reshape(band.shape)
    assert torch.equal(band < 0, dense < 0)
    close = dense.abs() < voxel
    torch.testing.assert_close(band[close], dense[close], atol=2e-6, rtol=0)


def test_mesh_of_a_ball_has_its_volume_area_and_outward_normals() -> None:
    mesh = surface_mesh(BALL, 64)
    a, b, c = mesh.triangles.unbind(1)
    volume = (a * torch.linalg.cross(b, c)).sum() / 6
    assert volume.item() == pytest.approx(4 / 3 * math.pi * 0.7**3, rel=0.005)
    assert mesh.face_areas.sum().item() == pytest.approx(4 * math.pi * 0.7**2, rel=0.01)
    torch.testing.assert_close(mesh.vertices.norm(dim=-1), torch.full((len(mesh.vertices),), 0.7), atol=1e-3, rtol=0)


def test_a_solid_that_reaches_the_unit_cube_is_closed() -> None:
    mesh = surface_mesh(Solid((Part(Ball(1.0)),), (RED,)), 48)
    edges = torch.cat([mesh.faces[:, [i, (i + 1) % 3]] for i in range(3)]).sort(dim=-1).values
    _, uses = edges.unique(dim=0, return_counts=True)
    assert (uses == 2).all()


def test_nothing_inside_is_told() -> None:
    with pytest.raises(BadInput, match="no inside"):
        surface_mesh(Solid((Part(Ball(-0.1)),), (RED,)), 32)
