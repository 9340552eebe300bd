from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.render.surface_colors import barycentric, surface_colors
from tests.helpers.shapes import quad

POINTS, FACE = torch.tensor([[-0.5, 0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.25, 0.0]]), torch.tensor([0, 1, 1])


def test_weights_give_the_points_back():
    triangles = torch.randn(50, 3, 3, generator=torch.Generator().manual_seed(0)).double()
    weights = torch.rand(50, 3).double().softmax(1)
    points = (weights[..., None] * triangles).sum(1)
    assert torch.allclose(barycentric(points, triangles), weights, atol=1e-9)
    assert torch.allclose(barycentric(points[:2], torch.zeros(2, 3, 3)), torch.full((2, 3), 1 / 3).double())


def test_vertex_colours_and_textures():
    place = (quad().vertices[:, :2] + 1) / 2
    colors = torch.cat([place, place[:, :1] * 0], 1)  # linear in x and y
    expected = torch.cat([(POINTS[:, :2] + 1) / 2, torch.zeros(3, 1)], 1)
    assert torch.allclose(surface_colors(quad(vertex_colors=colors), POINTS, FACE), expected, atol=1e-6)
    steps = (torch.arange(64) + 0.5) / 64
    texture = torch.stack([steps.expand(64, 64), 1 - steps[:, None].expand(64, 64), torch.zeros(64, 64)])
    textured = quad(uvs=torch.stack([place[:, 0], 1 - place[:, 1]], 1), texture=texture)
    assert torch.allclose(surface_colors(textured, POINTS, FACE), expected, atol=1e-5)
    both = replace(textured, vertex_colors=colors * 0)
    assert torch.allclose(surface_colors(both, POINTS, FACE), expected, atol=1e-5), "the texture wins"
    assert surface_colors(quad(), POINTS, FACE) is None


def test_counts_that_differ():
    with pytest.raises(BadInput, match="face"):
        surface_colors(quad(), POINTS, FACE[:2])
