import pytest
import torch

from recon_lib.check import check_finite, check_shape
from recon_lib.errors import BadInput


def test_accepts_exact_and_named_sizes():
    check_shape("masks", torch.zeros(2, 1, 4, 5), "V", 1, "H", "W")
    check_shape("number", torch.tensor(3.0))


def test_same_name_means_same_size():
    check_shape("square", torch.zeros(4, 4), "N", "N")
    with pytest.raises(BadInput, match=r"square has shape \(4, 5\); \(N, N\) is needed"):
        check_shape("square", torch.zeros(4, 5), "N", "N")


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 2), (2, 1, 1, 1), ()])
def test_refuses_other_shapes(shape):
    with pytest.raises(BadInput, match="masks has shape"):
        check_shape("masks", torch.zeros(shape), "V", 1, 4)


def test_refuses_what_is_no_tensor():
    with pytest.raises(BadInput, match="image is a list; a torch tensor is needed"):
        check_shape("image", [[1.0]], 1, 1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_finds_values_that_are_not_finite(bad):
    values = torch.zeros(3, 3)
    check_finite("depth", values)
    values[1, 2] = bad
    with pytest.raises(BadInput, match="depth holds NaN or infinite"):
        check_finite("depth", values)
