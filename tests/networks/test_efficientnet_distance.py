import torch

from recon_lib.networks.efficientnet_distance import EfficientNetDistance


def test_alike_is_zero_and_it_is_symmetric_and_has_gradients():
    torch.manual_seed(0)
    distance = EfficientNetDistance().eval().requires_grad_(False)
    a, b = torch.rand(2, 3, 32, 32).requires_grad_(True), torch.rand(2, 3, 32, 32)
    value = distance(a, b)
    assert value.shape == (2,) and (value > 0).all() and (value <= 2).all()
    torch.testing.assert_close(value, distance(b, a))
    torch.testing.assert_close(distance(b, b), torch.zeros(2))
    value.sum().backward()
    assert (a.grad != 0).any()
