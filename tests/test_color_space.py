"""The sRGB transfer curve against values of the standard."""

import pytest
import torch

from recon_lib.color_space import linear_to_srgb, srgb_to_linear


@pytest.mark.parametrize(("srgb", "linear"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.214041), (0.04045, 0.0031308)])
def test_known_values(srgb, linear):
    assert float(srgb_to_linear(torch.tensor(srgb))) == pytest.approx(linear, abs=1e-5)
    assert float(linear_to_srgb(torch.tensor(linear))) == pytest.approx(srgb, abs=1e-5)


def test_there_and_back():
    values = torch.linspace(0, 1, 256)
    assert torch.allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)


def test_values_beyond_are_clipped():
    assert srgb_to_linear(torch.tensor([-0.5, 1.5])).tolist() == pytest.approx([0, 1])
    assert linear_to_srgb(torch.tensor([-0.5, 1.5])).tolist() == pytest.approx([0, 1])
