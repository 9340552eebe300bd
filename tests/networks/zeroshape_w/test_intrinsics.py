import math

import pytest
import torch

from recon_lib.networks.zeroshape_w.intrinsics import intrinsics_head, intrinsics_matrix, intrinsics_projection


def test_an_untrained_head_gives_the_prior_camera():
    features = intrinsics_head(8).eval()(torch.randn(2, 8, 7, 7)).mean(dim=(-2, -1))
    matrix = intrinsics_matrix(intrinsics_projection(8)(features), 100, 200)
    expected = torch.tensor([[277.5, 0, 100], [0, 138.75, 50], [0, 0, 1]])
    torch.testing.assert_close(matrix, expected.expand(2, 3, 3))


@pytest.mark.parametrize(("sign", "factor", "centre"), [(1, 4, 64.0), (-1, 0.25, 0.0)])
def test_limits(sign, factor, centre):
    """The focal length stays within four times the prior, the principal point within the image."""
    matrix = intrinsics_matrix(torch.full((1, 3), sign * 1e3), 64, 64)[0]
    torch.testing.assert_close(matrix[0, 0].item(), 1.3875 * 64 * factor, rtol=1e-6, atol=0)
    assert matrix[0, 2] == matrix[1, 2] == centre


def test_focal_length_is_exponential():
    up, down = (intrinsics_matrix(torch.tensor([[s, 0.0, 0.0]]), 10, 10)[0, 0, 0].item() for s in (0.4, -0.4))
    assert math.sqrt(up * down) == pytest.approx(13.875)


def test_gradient():
    parameters = torch.zeros(1, 3, requires_grad=True)
    intrinsics_matrix(parameters, 10, 20).sum().backward()
    slope = 13.875 * 3 * math.log(4)
    torch.testing.assert_close(parameters.grad, torch.tensor([[slope, 10.0, 5.0]]))
