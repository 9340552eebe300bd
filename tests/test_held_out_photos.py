"""The figures of held-out photos, on pictures whose figures are known."""

import pytest
import torch

from benchmarks.held_out_photos import compared, nearest, over_white
from recon_lib.cameras.camera import Cameras
from recon_lib.views.views import Views

SIDE = 16


def views(count=2) -> Views:
    """The left half of each picture is the object, grey."""
    cameras = Cameras.orbit([90.0 * i for i in range(count)], 0.0, 3.0, 40.0, SIDE, SIDE)
    masks = torch.zeros(count, 1, SIDE, SIDE)
    masks[..., : SIDE // 2] = 1
    return Views(torch.full((count, 3, SIDE, SIDE), 0.5), cameras, masks)


def test_equal_outlines_and_colours_a_tenth_off():
    truth = views()
    found = compared(over_white(truth.images + 0.1, truth.masks), truth.masks, truth)
    assert found["mask_iou"] == 1
    assert found["psnr_in_both"] == pytest.approx(20, abs=1e-3)
    assert found["psnr"] == pytest.approx(20 + 10 * torch.tensor(2.0).log10().item(), abs=1e-3)  # half is white


def test_outlines_that_share_a_third():
    truth = views()
    masks = torch.zeros_like(truth.masks)
    masks[..., SIDE // 4 : 3 * SIDE // 4] = 1
    assert compared(over_white(truth.images, masks), masks, truth)["mask_iou"] == pytest.approx(1 / 3)


def test_the_nearest_photo_is_that_from_the_most_similar_side():
    seen = views(4)
    seen.images[2] = 0.25
    cameras = Cameras.orbit([170.0, 100.0], 10.0, 2.0, 40.0, SIDE, SIDE)
    images, masks = nearest(seen, cameras)
    assert images[0, 0, 0, 0] == 0.25 and images[1, 0, 0, 0] == 0.5
    assert torch.equal(masks, seen.masks[:2])
