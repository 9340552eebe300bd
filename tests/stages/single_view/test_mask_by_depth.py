"""Found masks, corrected by a user's own depth."""

import pytest
import torch
from torch import Tensor

from recon_lib.errors import BadInput
from recon_lib.stages.single_view.lens import default_lens
from recon_lib.stages.single_view.mask_by_depth import mask_by_depth

SIDE = 64
LENS = default_lens(SIDE, SIDE)


def plane(top: int, bottom: int, left: int, right: int) -> Tensor:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., top:bottom, left:right] = 1
    return mask


OBJECT = plane(16, 47, 20, 44)
SLANTED = 5 + 0.02 * torch.arange(float(SIDE)).expand(1, 1, SIDE, SIDE)
SCENE = torch.where(OBJECT > 0, SLANTED, 9.0)  # a plate in front of a wall


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_the_edge_moves_to_the_depths_edge(unit):
    shifted = torch.roll(OBJECT, (2, -2), (2, 3))
    assert torch.equal(mask_by_depth(shifted, unit * SCENE, LENS), OBJECT)


def test_what_stands_in_front_is_no_part_of_it():
    pole = plane(0, SIDE, 28, 34)  # more of it is outside
    depth = torch.where(pole > 0, 3.0, SCENE)
    assert torch.equal(mask_by_depth(OBJECT, depth, LENS), OBJECT * (1 - pole))


def test_a_large_piece_of_the_wall_is_no_part_of_it():
    wall = plane(16, 47, 44, 58)
    assert torch.equal(mask_by_depth(OBJECT + wall, SCENE, LENS), OBJECT)


def test_the_ground_that_it_stands_on_does_not_join_it():
    ground = plane(47, SIDE, 0, SIDE)
    depth = torch.where(OBJECT > 0, 5.0, 9.0)
    depth = torch.where(ground > 0, 5.0 - 0.02 * (torch.arange(float(SIDE))[:, None] - 46), depth)
    for bottom in (45, 47, 49):  # the mask's own edge on the ground stays where it is
        mask = plane(16, bottom, 20, 44)
        assert torch.equal(mask_by_depth(mask, depth, LENS), mask)


def test_it_grows_only_near_its_edge():
    plate = torch.where(plane(10, 54, 4, 60) > 0, 5.0, 9.0)
    mask = plane(10, 54, 4, 40)
    grown = mask_by_depth(mask, plate, LENS)
    reach = 4  # a tenth of the root of 44 x 36 pixels
    assert torch.equal(grown, plane(10, 54, 4, 40 + reach))


@pytest.mark.parametrize("unknown", [0.0, torch.nan, torch.inf])
def test_pixels_without_depth_stay(unknown):
    hole = plane(0, SIDE, 0, 30)
    mask = torch.roll(OBJECT, 2, 3)
    moved = mask_by_depth(mask, torch.where(hole > 0, unknown, SCENE), LENS)
    assert torch.equal(moved * hole, mask * hole)
    assert torch.equal(moved * (1 - hole), OBJECT * (1 - hole))


def test_a_steep_surface_is_no_edge_but_a_step_is():
    focal = float(LENS[0, 0, 0])
    across = (torch.arange(float(SIDE)) - 20).expand(1, 1, SIDE, SIDE)
    mask = plane(16, 47, 20, 42)
    for slope, joined in ((9.0, True), (14.0, False)):  # tan 85 degrees is 11.4
        depth = torch.where(OBJECT > 0, 5 * torch.exp(across * slope / focal), 4e3)
        assert torch.equal(mask_by_depth(mask, depth, LENS), OBJECT if joined else mask)


def test_an_empty_mask_stays_empty_and_another_size_is_told():
    assert not mask_by_depth(OBJECT * 0, SCENE, LENS).any()
    with pytest.raises(BadInput, match="this image's depth"):
        mask_by_depth(OBJECT, SCENE[..., 1:], LENS)
