import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.stages.single_view.depth_own import object_depth, warn_if_inverse


def square() -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.zeros(1, 1, 40, 40)
    mask[..., 10:30, 10:30] = 1
    return mask, mask * (5 + 0.02 * torch.arange(40.0))


def test_depth_off_the_object_counts_as_unknown():
    mask, depth = square()
    found = object_depth(depth + 0.1 * (1 - mask), mask)
    assert torch.equal(found, depth)


def test_background_and_things_in_front_within_the_mask_are_left_out():
    mask, depth = square()
    depth[..., 10:12, :] = 15.0
    depth[..., 28:30, :] = 1.0
    found = object_depth(depth, mask)
    assert not found[..., 10:12, :].any() and not found[..., 28:30, :].any()
    assert torch.equal(found[..., 12:28, :], depth[..., 12:28, :])


@pytest.mark.parametrize("unit", [0.001, 1.0, 1000.0])
def test_the_unit_does_not_matter(unit):
    mask, depth = square()
    depth[..., 10:12, :] = 15.0
    assert int((object_depth(depth * unit, mask) > 0).sum()) == 18 * 20


def test_an_empty_depth_is_told():
    mask, depth = square()
    with pytest.raises(BadInput, match="empty on the object"):
        object_depth(depth * 0, mask)
    with pytest.raises(BadInput, match="this image's depth"):
        object_depth(depth[..., 1:], mask)


def test_inverse_depth_is_named(caplog):
    _, depth = square()
    inverse = torch.where(depth > 0, 1 / depth.clamp_min(1), 0.0)
    for fine in (depth * 7, torch.where(depth > 0, depth + 0.3, 0.0), torch.where(depth > 0, 5.0, 0.0)):
        warn_if_inverse(fine, depth)
    assert not caplog.records
    warn_if_inverse(inverse, depth)
    assert "it is inverse depth: give z-depth, larger = farther" in caplog.text
