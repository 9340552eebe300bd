"""Masks found view by view and brought to agree, on a ball seen by a ring of cameras."""

import logging
from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.stages.single_view import view_masks
from recon_lib.stages.single_view.mask import Segmentation
from recon_lib.stages.single_view.view_masks import consistent_masks, find_view_masks
from tests.helpers.posed import around, ellipsoid, posed

SIDE = 32
GIVEN = posed(ellipsoid(), around(8, SIDE))
NONE, ALL = torch.zeros(8, dtype=torch.bool), torch.ones(8, dtype=torch.bool)


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    for name, value in {"GRID": 24, "SIDE": 32, "SAMPLES": 40, "REACH": 0.03}.items():
        monkeypatch.setattr(view_masks, name, value)


def iou(masks):
    found, true = masks > 0.5, GIVEN.masks > 0.5
    return (found & true).flatten(1).sum(1) / (found | true).flatten(1).sum(1)


def damaged():
    """A false part in one view's corner, a doubtful hole in another's middle, a third that knows nothing."""
    masks = GIVEN.masks.clamp(0.02, 0.98)
    masks[0, :, :6, :6] = 0.9
    masks[1, :, 14:18, 14:18] = 0.3
    masks[2] = 0.5
    return masks


def test_what_no_other_view_supports_goes_and_what_all_see_is_filled():
    before = damaged()
    after = consistent_masks(replace(GIVEN, masks=before), NONE)
    assert iou(before)[[0, 1]].max() < 0.92
    assert iou(after)[[0, 1]].min() > 0.94
    assert iou(after)[2] > 0.75, "outlined by the others alone"
    assert iou(after)[3:].min() > 0.96
    assert after[0, 0, :4, :4].mean() < 0.2  # its last row is at the outline that the others allow


def test_right_masks_stay_right_and_certain_ones_stay_as_they_are():
    assert iou(consistent_masks(GIVEN, NONE)).min() > 0.96
    masks = damaged()
    assert torch.equal(consistent_masks(replace(GIVEN, masks=masks), ALL), masks)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_units_of_the_world_do_not_matter(scale):
    views = replace(GIVEN, masks=damaged())
    pose = GIVEN.cameras.camera_to_world.clone()
    pose[:, :3, 3] *= scale
    scaled = replace(views, cameras=replace(views.cameras, camera_to_world=pose))
    torch.testing.assert_close(consistent_masks(scaled, NONE), consistent_masks(views, NONE), atol=0.02, rtol=0)


def test_masks_without_a_common_point_are_left(caplog):
    masks = torch.full_like(GIVEN.masks, 0.02)
    for view in range(8):
        row, column = 26 * (view % 2), 26 * (view // 2 % 2)
        masks[view, :, row : row + 4, column : column + 4] = 0.9
    views = replace(GIVEN, masks=masks)
    with caplog.at_level(logging.WARNING, "recon3d"):
        assert torch.equal(consistent_masks(views, NONE), masks)
    assert "no point in common" in caplog.text


class Finder:
    """Stands in for the network: finds what it was told, and nothing in some views."""

    def __init__(self, masks, lost=()):
        self.masks, self.lost, self.calls = masks, lost, []

    def __call__(self, model, images, device, progress):
        view = next(i for i in range(8) if torch.equal(images[0], GIVEN.images[i]))
        self.calls.append(view)
        if view in self.lost:
            raise BadInput("No object was found in the picture.")
        return Segmentation(self.masks[view : view + 1], self.masks[view : view + 1])


def test_only_missing_masks_are_found(monkeypatch):
    finder = Finder(damaged(), lost=(4,))
    monkeypatch.setattr(view_masks, "segment", finder)
    masked = torch.arange(8) >= 6
    found = find_view_masks(
        None, replace(GIVEN, masks=torch.where(masked[:, None, None, None], GIVEN.masks, 1.0)), masked
    )
    assert finder.calls == list(range(6))
    assert torch.equal(found.masks[6:], GIVEN.masks[6:])
    assert iou(found.masks).min() > 0.7
    assert find_view_masks(None, GIVEN, ALL) is GIVEN


def test_an_object_that_is_mostly_not_found_is_told(monkeypatch):
    monkeypatch.setattr(view_masks, "segment", Finder(GIVEN.masks, lost=range(5)))
    with pytest.raises(BadInput, match="No object was found in 5 of 8 pictures"):
        find_view_masks(None, GIVEN, NONE)
    monkeypatch.setattr(view_masks, "segment", Finder(GIVEN.masks, lost=(1,)))
    with pytest.raises(BadInput, match="found in picture 1; give its mask"):
        find_view_masks(None, GIVEN[:2], NONE[:2])


def test_a_picture_in_which_nothing_is_found_is_named(monkeypatch):
    """Not as a mask of the user's that would be empty."""
    found = GIVEN.masks.clone()
    found[2] = 0
    monkeypatch.setattr(view_masks, "consistent_masks", lambda views, masked, progress: found)
    monkeypatch.setattr(view_masks, "segment", lambda *_: Segmentation(GIVEN.masks[:1], None))
    with pytest.raises(BadInput, match="No object was found in picture 2"):
        find_view_masks(None, GIVEN, NONE)
