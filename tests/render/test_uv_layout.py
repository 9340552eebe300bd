"""Which UVs can be painted."""

from dataclasses import replace

import torch

from recon_lib.meshes.mesh import Mesh
from recon_lib.render.uv_layout import can_be_painted
from tests.helpers.shapes import quad

FLAT = torch.tensor([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]])


def two_quads(uvs):
    one = quad()
    return Mesh(torch.cat([one.vertices, one.vertices + 2]), torch.cat([one.faces, one.faces + 4]), uvs=uvs)


def test_charts_of_their_own_can_be_painted():
    left, right = FLAT * torch.tensor([0.5, 1]), FLAT * torch.tensor([0.5, 1]) + torch.tensor([0.5, 0])
    assert can_be_painted(quad(uvs=FLAT), 64, 64)
    assert can_be_painted(two_quads(torch.cat([left, right])), 64, 64)


def test_shared_tiled_and_missing_uvs_cannot():
    assert not can_be_painted(quad(), 64, 64)
    assert not can_be_painted(quad(uvs=FLAT * 3), 64, 64)
    assert not can_be_painted(two_quads(torch.cat([FLAT, FLAT])), 64, 64)
    assert not can_be_painted(two_quads(torch.cat([FLAT, FLAT.flip(0)])), 64, 64)


def test_a_palette_cannot():
    """All UVs on one spot, or half of the surface there."""
    spot = torch.full((4, 2), 0.05)
    assert not can_be_painted(quad(uvs=spot), 64, 64)
    assert not can_be_painted(two_quads(torch.cat([FLAT, spot])), 64, 64)


def test_a_mesh_without_area_cannot():
    assert not can_be_painted(replace(quad(uvs=FLAT), faces=torch.zeros(0, 3, dtype=torch.int64)), 64, 64)
