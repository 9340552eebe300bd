"""Positional encodings against their closed forms, channel by channel."""

import math

import pytest
import torch

from recon_lib.networks.encodings import axis_frequency_encoding, frequency_encoding, sincos_grid_embedding


def test_frequencies_double_from_band_to_band():
    x = torch.tensor([[0.3, -0.2, 0.1]])
    expected = torch.cat([x, x.sin(), x.cos(), (2 * x).sin(), (2 * x).cos()], -1)
    torch.testing.assert_close(frequency_encoding(x, 2), expected)


def test_axis_by_axis_sines_come_before_cosines():
    angles = [math.pi / 2 * 2**band * value for value in (0.5, -1.0) for band in range(5)]
    expected = [0.5, -1.0, *map(math.sin, angles), *map(math.cos, angles)]
    encoded = axis_frequency_encoding(torch.tensor([[0.5, -1.0]]), 5)
    torch.testing.assert_close(encoded[0], torch.tensor(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("encoding", [frequency_encoding, axis_frequency_encoding])
@pytest.mark.parametrize("shape", [(3,), (7, 3), (2, 5, 1)])
@pytest.mark.parametrize("bands", [0, 1, 6])
def test_any_batch_and_number_of_bands(encoding, shape, bands):
    x = torch.randn(shape)
    encoded = encoding(x, bands)
    assert encoded.shape == (*shape[:-1], shape[-1] * (1 + 2 * bands))
    assert torch.equal(encoded[..., : shape[-1]], x)


@pytest.mark.parametrize("encoding", [frequency_encoding, axis_frequency_encoding])
def test_gradients_are_right_to_second_order(encoding):
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: encoding(v, 2), x)
    assert torch.autograd.gradgradcheck(lambda v: encoding(v, 2), x)


def test_the_global_token_of_a_grid_is_zero():
    assert sincos_grid_embedding(8, 3).shape == (1, 10, 8)
    assert (sincos_grid_embedding(8, 3)[0, 0] == 0).all()


def test_a_cell_of_a_grid_has_the_closed_form():
    """Width 8: two frequencies, 1 and 1/100; x first, sines before cosines."""
    row, column = 1, 2
    x, y = [column, column / 100], [row, row / 100]
    expected = [f(v) for axis in (x, y) for f in (math.sin, math.cos) for v in axis]
    torch.testing.assert_close(sincos_grid_embedding(8, 3)[0, 1 + row * 3 + column], torch.tensor(expected))
