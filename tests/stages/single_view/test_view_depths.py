"""Depth of posed photos by the embedded model."""

from dataclasses import replace

import pytest
import torch

from recon_lib.errors import Interrupted
from recon_lib.stages.single_view.view_depths import with_estimated_depths
from recon_lib.views.views import Views
from recon_lib.weights.registry import load_model
from tests.helpers.posed import around, posed, sphere
from tests.helpers.stop_button import StopButton

VIEWS = posed(sphere(), around(2, 64))


@pytest.fixture(scope="module")
def model():
    return load_model("zeroshape_w_mini")


def bare() -> Views:
    return replace(VIEWS, depth=None)


def test_a_balls_middle_is_nearer_than_its_rim(model):
    views = with_estimated_depths(model, bare())
    assert views.depth.shape == VIEWS.masks.shape
    assert torch.equal(views.depth > 0, VIEWS.masks > 0.5)
    for depth, mask in zip(views.depth[:, 0], VIEWS.masks[:, 0] > 0.5, strict=True):
        middle = depth[30:34, 30:34].mean()
        rim = depth[mask & (torch.roll(mask, 4, 1) ^ mask)].mean()
        assert middle < rim


def test_depth_that_is_there_stays(model):
    assert with_estimated_depths(model, VIEWS) is VIEWS


def test_a_view_without_an_object_has_none(model):
    masks = bare().masks.clone()
    masks[1] = 0
    depth = with_estimated_depths(model, replace(bare(), masks=masks)).depth
    assert (depth[0] > 0).any() and not (depth[1] > 0).any()


def test_it_can_be_stopped(model):
    with pytest.raises(Interrupted):
        with_estimated_depths(model, bare(), progress=StopButton(1))
