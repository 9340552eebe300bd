import torch

from recon_lib.networks.blocks import ResidualConv


class TestResidualConv:
    def test_a_vector_is_a_map_of_one_pixel(self):
        block, x = ResidualConv(4).eval(), torch.randn(3, 4)
        torch.testing.assert_close(block(x), block(x[..., None, None])[..., 0, 0])

    def test_without_its_branch_it_is_the_identity_rectified(self):
        block, x = ResidualConv(4, 3).eval(), torch.randn(1, 4, 5, 5)
        torch.nn.init.zeros_(block.bn2.weight)
        torch.testing.assert_close(block(x), x.relu())
