import pytest
import torch

from recon_lib.networks.zeroshape_w.resnetv2 import Bottleneck, ResNetV2, StandardizedConv, pad_same


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padded"),
    [(8, 3, 1, 10), (8, 3, 2, 9), (7, 3, 2, 9), (224, 7, 2, 229), (56, 1, 2, 56)],
)
def test_pad_same_gives_the_size_divided_and_rounded_up(size, kernel, stride, padded):
    x = pad_same(torch.ones(1, 1, size, size), kernel, stride)
    assert x.shape[-1] == padded
    assert (padded - kernel) // stride + 1 == -(-size // stride)


def test_odd_pixel_is_padded_right_and_below():
    x = pad_same(torch.ones(1, 1, 8, 8), 3, 2)
    assert x[0, 0, 0, 0] == 1
    assert x[0, 0, -1, 0] == 0 and x[0, 0, 0, -1] == 0


class TestStandardizedConv:
    def test_filters_have_zero_mean_and_unit_variance(self):
        """A filter of 1, 2, 3, 4 on two constant channels: only its standardised sum can come out, 0."""
        conv = StandardizedConv(4, 1, 1)
        conv.weight.data = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1)
        out = conv(torch.eye(4).view(4, 4, 1, 1)).flatten()
        torch.testing.assert_close(out, torch.tensor([-3.0, -1.0, 1.0, 3.0]) / 5**0.5)

    def test_scale_and_shift_of_a_filter_do_not_matter(self):
        conv, x = StandardizedConv(3, 5, 3, 2), torch.randn(2, 3, 9, 9)
        before = conv(x)
        conv.weight.data = conv.weight.data * 7 + 0.3
        torch.testing.assert_close(conv(x), before, rtol=1e-4, atol=1e-4)


def test_bottleneck_without_its_branch_is_the_identity_rectified():
    block = Bottleneck(128, 128)
    torch.nn.init.zeros_(block.norm3.weight)
    x = torch.randn(1, 128, 5, 5)
    torch.testing.assert_close(block(x), x.relu())


def test_sizes():
    with torch.device("meta"):
        maps = ResNetV2()(torch.zeros(2, 3, 96, 64))
    assert [tuple(m.shape) for m in maps] == [(2, 256, 24, 16), (2, 512, 12, 8), (2, 1024, 6, 4)]
