"""Exchange of values between texels and vertices."""

import torch

from recon_lib.stages.meshing.near_samples import NearSamples
from recon_lib.stages.meshing.texels import Texels
from tests.helpers.shapes import ball, quad

UVS = torch.tensor([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]])


def test_constants_go_there_and_back():
    mesh = quad(uvs=UVS)
    texels = Texels.of(mesh, 32, 48)
    values = torch.tensor([0.2, 0.7]).expand(4, 2)
    there = texels.spread(mesh, values)
    torch.testing.assert_close(there, values[:1].expand(len(there), 2))
    back, known = texels.gathered(mesh, there, torch.ones(len(there), dtype=torch.bool))
    assert known.all()
    torch.testing.assert_close(back, values)


def test_large_textures_ask_whether_to_stop_on_the_way():
    """Within the rasteriser, behind it, and behind the normals; the texels are the same."""
    asked = []
    mesh = quad(uvs=UVS)
    texels = Texels.of(mesh, 32, 32, lambda: asked.append(1))
    assert len(asked) >= 3
    torch.testing.assert_close(texels.points, Texels.of(mesh, 32, 32).points)


def test_only_vertices_beside_used_texels_are_known():
    mesh = quad(uvs=UVS)
    texels = Texels.of(mesh, 32, 32)
    first = texels.fragments.face[texels.fragments.mask] == 0
    _, known = texels.gathered(mesh, torch.ones(len(first), 1), first)
    assert known.tolist() == [True, True, True, False]  # of the faces (0, 2, 1) and (1, 2, 3)


def test_near_samples_read_a_coarser_mesh():
    fine, coarse = ball(4), ball(3)
    samples = NearSamples.of(fine.vertices, fine.vertices, coarse)
    torch.testing.assert_close(samples.spread(coarse, coarse.vertices), fine.vertices, atol=0.06, rtol=0)
    values, known = samples.gathered(coarse, fine.vertices, torch.ones(len(fine.vertices), dtype=torch.bool))
    assert known.all()
    torch.testing.assert_close(values, coarse.vertices, atol=0.06, rtol=0)
