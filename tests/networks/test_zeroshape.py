import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.blocks import ResidualConv
from recon_lib.networks.zeroshape import ZeroShape


@pytest.mark.parametrize(
    ("image", "mask", "sentence"),
    [((1, 3, 256, 256), (1, 1, 256, 256), "image has shape"), ((2, 3, 224, 224), (1, 1, 224, 224), "mask has shape")],
)
def test_wrong_inputs_are_told(image, mask, sentence):
    with torch.device("meta"), pytest.raises(BadInput, match=sentence):
        ZeroShape().see(torch.zeros(image), torch.zeros(mask))


class TestResidualConv:
    def test_a_vector_is_a_map_of_one_pixel(self):
        block, x = ResidualConv(4).eval(), torch.randn(3, 4)
        torch.testing.assert_close(block(x), block(x[..., None, None])[..., 0, 0])

    def test_without_its_branch_it_is_the_identity_rectified(self):
        block, x = ResidualConv(4, 3).eval(), torch.randn(1, 4, 5, 5)
        torch.nn.init.zeros_(block.bn2.weight)
        torch.testing.assert_close(block(x), x.relu())
