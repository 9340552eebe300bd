"""Found masks: what leads to the picture's edge, and what is half believed."""

import pytest
import torch

from recon_lib.stages.single_view.found_masks import decided, without_tails
from recon_lib.views.framing import within_picture


def disk(side=96, radius=24.0, center=(48.0, 48.0)):
    at = torch.arange(side) + 0.5
    return (((at[:, None] - center[0]) ** 2 + (at - center[1]) ** 2) < radius**2).float()[None]


def test_a_thin_tail_to_the_edge_goes_and_the_object_stays():
    mask = disk()
    with_tail = mask.clone()
    with_tail[0, 60:, 46:49] = 0.8
    assert not within_picture(with_tail[None])
    found = without_tails(with_tail)
    assert within_picture(found[None])
    assert ((found > 0.5) & (mask > 0.5)).sum() >= mask.sum() - 4
    assert ((found > 0.5) & (mask < 0.5)).sum() <= 9, "no more than the root of the tail"


def test_thin_parts_that_end_within_the_picture_stay():
    mask = disk()
    mask[0, 60:90, 46:49] = 1
    assert torch.equal(without_tails(mask), mask)


@pytest.mark.parametrize("center", [(96.0, 48.0), (48.0, 4.0)])
def test_an_object_that_is_cut_off_stays_so(center):
    mask = disk(center=center)
    found = without_tails(mask)
    assert not within_picture(found[None])
    assert (found != mask).sum() <= 0.01 * mask.sum()


def test_a_thin_object_is_no_tail_of_itself():
    mask = torch.zeros(1, 96, 96)
    mask[0, :80, 40:46] = 1
    assert torch.equal(without_tails(mask), mask)


def test_an_empty_mask_stays_empty():
    assert not without_tails(torch.zeros(1, 32, 32)).any()


def test_what_is_half_believed_is_decided():
    soft = torch.tensor([0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0])
    sharp = decided(soft)
    assert sharp[[0, 1]].eq(0).all() and sharp[[5, 6]].eq(1).all() and sharp[3] == 0.5
    assert torch.equal(sharp > 0.5, soft > 0.5)
