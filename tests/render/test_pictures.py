"""Layers as pictures: the colours that a legend would promise."""

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.provenance import PROVENANCE_COLORS, Provenance
from recon_lib.render.pictures import (
    depth_picture,
    linear_depth_picture,
    mask_picture,
    normal_picture,
    provenance_picture,
)
from recon_lib.views.views import Views


def test_near_is_brighter_than_far_and_nothing_is_black():
    picture = depth_picture(torch.tensor([[[[1.0, 2.0, 0.0]]]]))[0, :, 0]
    assert picture[0, 0] == 1 and 0 < picture[0, 1] < 1 and picture[0, 2] == 0


def test_linear_depth_keeps_proportions_in_each_view():
    depth = torch.tensor([[1.0, 4.0], [3.0, 2.0]]).view(2, 1, 1, 2)
    torch.testing.assert_close(linear_depth_picture(depth).flatten(), torch.tensor([0.25, 1.0, 1.0, 2 / 3]))


def test_a_surface_facing_the_camera_is_the_usual_light_blue():
    facing = torch.tensor([0.0, 0.0, -1.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(normal_picture(facing).flatten(), torch.tensor([0.5, 0.5, 1.0]))
    assert not normal_picture(torch.zeros(1, 3, 2, 2)).any()


def test_masked_pixels_count_as_observed_where_nothing_else_is_said():
    masks = torch.tensor([[[[1.0, 0.0]]]])
    views = Views(torch.zeros(1, 3, 1, 2), Cameras.orbit(0.0, height=1, width=2), masks)
    picture = provenance_picture(views)[0, :, 0]
    assert torch.equal(picture[:, 0], PROVENANCE_COLORS[Provenance.OBSERVED])
    assert not picture[:, 1].any()


def test_object_turns_green_and_occluder_red():
    image, half = torch.full((1, 3, 1, 2), 0.5), torch.tensor([[[[1.0, 0.0]]]])
    picture = mask_picture(image, half, 1 - half)[0, :, 0]
    assert picture[1, 0] > picture[0, 0] and picture[0, 1] > picture[1, 1]
    assert torch.equal(image, torch.full((1, 3, 1, 2), 0.5))


def test_a_shape_that_is_no_depth_is_told():
    with pytest.raises(BadInput, match="depth has shape"):
        depth_picture(torch.zeros(1, 3, 2, 2))
