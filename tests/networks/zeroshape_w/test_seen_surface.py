import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.resnet import Bottleneck, ResNet50
from recon_lib.networks.zeroshape_w.seen_surface import SeenSurfaceEncoder


@pytest.mark.parametrize("extra", [0, 1])
def test_tokens(extra):
    with torch.device("meta"):
        encoder = SeenSurfaceEncoder(width=48, extra_channels=extra)
        assert encoder(torch.zeros(2, 3 + extra, 224, 224)).shape == (2, 1 + 14 * 14, 48)
        with pytest.raises(BadInput, match="surface has shape"):
            encoder(torch.zeros(2, 4 - extra, 224, 224))


def test_local_tokens_lie_row_by_row_after_the_global_one():
    """A change in the lower right corner moves the last token more than the first local one."""
    encoder = SeenSurfaceEncoder(width=8).eval()
    still, changed = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    changed[..., 56:, 56:] = 1.0
    with torch.inference_mode():
        moved = (encoder(changed) - encoder(still)).norm(dim=-1)[0]
    assert moved.shape == (17,)
    assert moved[16] > 3 * moved[1]


def test_resnet50_parameters():
    """He et al.'s network has 25,557,032 parameters, of which 2,049,000 are in the classifier."""
    with torch.device("meta"):
        network = ResNet50()
        third, fourth = network(torch.zeros(1, 3, 64, 96))
    assert sum(p.numel() for p in network.parameters()) == 25_557_032 - 2_049_000
    assert third.shape == (1, 1024, 4, 6)
    assert fourth.shape == (1, 2048, 2, 3)


def test_bottleneck_without_its_branch_is_the_identity_rectified():
    block = Bottleneck(16, 4).eval()
    torch.nn.init.zeros_(block.bn3.weight)
    x = torch.randn(1, 16, 5, 5)
    torch.testing.assert_close(block(x), x.relu())
