import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from recon_lib.networks.mini_backbone import (
    ConvBlock,
    DenseHead,
    Merge,
    MiniBackbone,
    TokenBlock,
    depth_from_relief,
)  # fmt: skip


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(1)
    return MiniBackbone(64, blocks=1).eval().requires_grad_(False)


class TestBackbone:
    @pytest.mark.parametrize("side", [32, 48, 64])
    def test_sizes_of_the_maps(self, backbone, side):
        dense = backbone(torch.rand(1, 3, side, side))
        assert dense.depth.shape == (1, 1, side, side)
        assert dense.normals.shape == (1, 3, side, side)
        assert dense.fine.shape == (1, backbone.fine_channels, side // 2, side // 2)
        assert dense.middle.shape == (1, backbone.middle_channels, side // 4, side // 4)
        assert dense.coarse.shape == (1, backbone.coarse_channels, side // 16, side // 16)

    def test_normals_are_unit_and_face_the_camera_where_nothing_is_known(self, backbone):
        normals = backbone(torch.rand(2, 3, 32, 32)).normals
        torch.testing.assert_close(normals.norm(dim=1), torch.ones(2, 32, 32))
        blind = MiniBackbone(32, blocks=0)
        nn.init.zeros_(blind.normal_head.last.weight)
        nn.init.zeros_(blind.normal_head.last.bias)
        normals = blind(torch.rand(1, 3, 32, 32)).normals
        torch.testing.assert_close(normals, torch.tensor([0, 0, -1.0])[:, None, None].expand_as(normals))

    def test_images_of_a_batch_do_not_mix(self, backbone):
        images = torch.rand(2, 3, 32, 32)
        both, alone = backbone(images), backbone(images[1:])
        for name in ("depth", "fine", "middle", "coarse", "normals"):
            torch.testing.assert_close(getattr(both, name)[1:], getattr(alone, name), rtol=1e-4, atol=1e-5)

    def test_the_coarse_map_sees_the_whole_image(self, backbone):
        image = torch.rand(1, 3, 64, 64)
        other = image.clone()
        other[..., -8:, -8:] = 1 - other[..., -8:, -8:]
        change = (backbone(image).coarse - backbone(other).coarse).abs().amax(1)
        assert (change > 1e-6).all()


class TestBlocks:
    def test_convolutions_begin_as_a_shift_of_each_channel(self):
        x = torch.randn(2, 16, 5, 6)
        added = ConvBlock(16)(x) - x
        torch.testing.assert_close(added, added[:1, :, :1, :1].expand_as(added), rtol=0, atol=1e-6)

    def test_tokens_attend_like_a_plain_transformer(self):
        block, x = TokenBlock(24, heads=3), torch.randn(2, 7, 24)
        q, k, v = block.qkv(block.norm1(x)).chunk(3, dim=-1)
        heads = []
        for h in range(3):
            part = slice(8 * h, 8 * h + 8)
            weights = (q[..., part] @ k[..., part].mT / math.sqrt(8)).softmax(-1)
            heads.append(weights @ v[..., part])
        plain = x + block.out(torch.cat(heads, -1))
        plain = plain + block.mlp(block.norm2(plain))
        torch.testing.assert_close(block(x), plain)

    def test_tokens_have_no_order_of_their_own(self):
        block, x, order = TokenBlock(16, 2), torch.randn(1, 9, 16), torch.randperm(9)
        torch.testing.assert_close(block(x[:, order]), block(x)[:, order], rtol=1e-4, atol=1e-6)

    def test_merge_adds_the_enlarged_coarse_map_to_the_skip(self):
        merge = Merge(2, 3, 8)
        merge.block = nn.Identity()
        coarse, skip = torch.randn(1, 2, 4, 4), torch.randn(1, 3, 8, 8)
        up = F.interpolate(coarse, scale_factor=2, mode="bilinear")  # 1x1 convolutions and enlarging commute
        torch.testing.assert_close(merge(coarse, skip), merge.coarse(up) + merge.skip(skip), rtol=1e-4, atol=1e-5)

    def test_a_head_doubles_the_side(self):
        assert DenseHead(16, 3)(torch.randn(1, 16, 6, 7)).shape == (1, 3, 12, 14)


class TestDepthFromRelief:
    def test_closed_form(self):
        relief = torch.tensor([0.0, 0.7, -0.35]).reshape(1, 1, 1, 3)
        depth = depth_from_relief(relief, torch.tensor([1.4]))
        torch.testing.assert_close(depth.flatten(), torch.tensor([1, math.e, math.exp(-0.5)]))

    def test_relative_depth_shrinks_with_the_focal_length(self):
        relief = torch.rand(2, 1, 3, 3)[:1].repeat(2, 1, 1, 1)
        near, far = depth_from_relief(relief, torch.tensor([1.0, 4.0])).log()
        torch.testing.assert_close(near, 4 * far)

    def test_it_stays_within_e_to_the_4(self):
        depth = depth_from_relief(torch.tensor([-1e4, 1e4]).reshape(1, 1, 1, 2), torch.tensor([1.0]))
        torch.testing.assert_close(depth.flatten().log(), torch.tensor([-4.0, 4.0]))

    def test_depth_does_not_teach_the_camera(self):
        relief, focal = torch.rand(1, 1, 2, 2, requires_grad=True), torch.ones(1, requires_grad=True)
        depth_from_relief(relief, focal).sum().backward()
        assert relief.grad.abs().min() > 0 and focal.grad is None
