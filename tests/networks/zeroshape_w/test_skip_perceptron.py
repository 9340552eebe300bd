import pytest
import torch
import torch.nn.functional as F

from recon_lib.networks.zeroshape_w.skip_perceptron import softplus


class TestSoftplus:
    @pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 1e4])
    def test_equals_torch(self, scale):
        x = torch.randn(4000) * scale
        torch.testing.assert_close(softplus(x), F.softplus(x), rtol=1e-6, atol=5e-7)

    def test_leaves_its_input_alone(self):
        x = torch.linspace(-50, 50, 11)
        softplus(x)
        assert torch.equal(x, torch.linspace(-50, 50, 11))

    def test_gradient_is_the_sigmoid(self):
        x = torch.linspace(-15, 15, 31, requires_grad=True)
        softplus(x).sum().backward()
        torch.testing.assert_close(x.grad, x.detach().sigmoid())
