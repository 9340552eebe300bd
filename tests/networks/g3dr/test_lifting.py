import pytest
import torch

from recon_lib.networks.g3dr.lifting import filled, lifted


@pytest.mark.parametrize("axis", [0, 1])
def test_a_pixel_stands_at_its_depth(axis):
    features, mask = torch.zeros(1, 2, 8, 8), torch.zeros(1, 1, 8, 8)
    features[0, :, 3, 5], mask[0, 0, 3, 5] = torch.tensor([1.0, -2.0]), 1
    relief = torch.full((1, 1, 8, 8), (2 * 6 + 1) / 8 - 1)  # the centre of row 6
    plane = lifted(features, relief, mask, axis)[0]
    across = 5 if axis == 0 else 3
    torch.testing.assert_close(plane[:, 6, across], torch.tensor([1.0, -2.0, 0.0]) / 1.1 + torch.tensor([0, 0, 0.5]))
    plane[:, 6, across] = 0
    assert plane.abs().max() < 1e-5


def test_filled_keeps_what_is_known_and_carries_it_on():
    values, mask = torch.randn(1, 3, 16, 16), torch.zeros(1, 1, 16, 16)
    mask[..., 4:9, 5:7] = 1
    found = filled(values, mask)
    torch.testing.assert_close(found * mask, values * mask)
    inside = values[0, 0][mask[0, 0] > 0]
    assert inside.min() - 1e-5 <= found[0, 0].min() and found[0, 0].max() <= inside.max() + 1e-5
    assert filled(values, torch.zeros_like(mask)).abs().max() == 0
