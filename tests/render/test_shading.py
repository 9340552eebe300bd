"""Colours of shading."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib.errors import BadInput
from recon_lib.render.shading import check_shading, depth_colors, lit, normal_colors, to_opengl


def test_normal_map_colours():
    facing, up, right = torch.tensor([[0.0, 0.0, -1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    torch.testing.assert_close(normal_colors(facing), torch.tensor([0.5, 0.5, 1.0]))
    torch.testing.assert_close(normal_colors(up), torch.tensor([0.5, 1.0, 0.5]))
    torch.testing.assert_close(normal_colors(right), torch.tensor([1.0, 0.5, 0.5]))
    torch.testing.assert_close(to_opengl(to_opengl(up)), up)


def test_light_tells_directions_apart_and_leaves_black_and_hue():
    normals = F.normalize(torch.randn(200, 3), dim=-1)
    grey = lit(torch.full((200, 3), 0.6), normals)
    assert float(grey.max() - grey.min()) > 0.25
    assert (grey > 0.15).all()  # no side is lost in the dark
    torch.testing.assert_close(grey, lit(torch.full((200, 3), 0.6), -normals))  # both sides alike
    assert (lit(torch.zeros(200, 3), normals) == 0).all()
    red = lit(torch.tensor([0.8, 0.2, 0.2]).expand(200, 3), normals)
    torch.testing.assert_close(red[:, 1], red[:, 2])
    assert (red[:, 0] > red[:, 1]).all()


def test_white_does_not_burn_out_toward_the_camera():
    assert 0.85 < float(lit(torch.ones(1, 3), torch.tensor([[0.0, 0.0, -1.0]])).mean()) < 0.97


def test_depth_colours():
    grey = depth_colors(torch.tensor([[0.0], [2.0], [4.0]]))
    assert grey[0].tolist() == [0, 0, 0] and grey[1].tolist() == [1, 1, 1]
    torch.testing.assert_close(grey[2], torch.full((3,), 0.15))
    assert (depth_colors(torch.zeros(4, 1)) == 0).all()


def test_unknown_shading():
    check_shading("clay")
    with pytest.raises(BadInput, match=r"'shiny'.*lit"):
        check_shading("shiny")
