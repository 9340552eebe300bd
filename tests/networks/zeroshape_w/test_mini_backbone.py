import math
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.zeroshape_w.mini_backbone import (
    ConvNorm,
    DenseHead,
    Merge,
    MiniBackbone,
    TokenBlock,
    depth_from_relief,
    ramp,
)  # fmt: skip


@pytest.fixture(scope="module")
def backbone():
    """Fresh, but with statistics of its own: without them a deep network's signals die away."""
    torch.manual_seed(1)
    backbone = MiniBackbone(64, blocks=1).requires_grad_(False)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches
    backbone(torch.rand(8, 3, 64, 64))
    return backbone.eval()


def blind(biases):
    """A backbone whose head answers the same for every pixel."""
    backbone = MiniBackbone(32, blocks=0).eval().requires_grad_(False)
    nn.init.zeros_(backbone.shape_head.last.weight)
    backbone.shape_head.last.bias.copy_(torch.tensor(biases))
    return backbone


def pick(dense, row):
    return DenseFeatures(**{name: value[row : row + 1] for name, value in vars(dense).items()})


def same(first, second):
    for name, value in vars(first).items():
        torch.testing.assert_close(value, getattr(second, name), rtol=1e-4, atol=1e-5)


def differs(first, second):
    return all((value - getattr(second, name)).abs().max() > 1e-5 for name, value in vars(first).items())


class TestBackbone:
    @pytest.mark.parametrize("side", [32, 96, 64])
    def test_sizes_of_the_maps(self, backbone, side):
        dense = backbone(torch.rand(1, 3, side, side))
        assert dense.depth.shape == (1, 1, side, side)
        assert dense.normals.shape == (1, 3, side, side)
        assert dense.thickness.shape == dense.amodal.shape == (1, 1, side, side)
        assert dense.fine.shape == (1, backbone.fine_channels, side // 2, side // 2)
        assert dense.middle.shape == (1, backbone.middle_channels, side // 4, side // 4)
        assert dense.coarse.shape == (1, backbone.coarse_channels, side // 16, side // 16)

    def test_normals_are_unit_and_face_the_camera_where_nothing_is_known(self, backbone):
        normals = backbone(torch.rand(2, 3, 32, 32)).normals
        torch.testing.assert_close(normals.norm(dim=1), torch.ones(2, 32, 32))
        normals = blind([0] * 6)(torch.rand(1, 3, 32, 32)).normals
        torch.testing.assert_close(normals, torch.tensor([0, 0, -1.0])[:, None, None].expand_as(normals))

    def test_one_head_answers_relief_thickness_silhouette_and_normals(self):
        dense = blind([0.3, -7.0, 0.8, 0.0, 3.0, 0.1])(torch.rand(1, 3, 32, 32))
        for name, value in (("depth", 0.3), ("thickness", math.log1p(math.exp(-8))), ("amodal", 0.8)):
            torch.testing.assert_close(getattr(dense, name), torch.full((1, 1, 32, 32), value))
        torch.testing.assert_close(dense.normals, torch.tensor([0, 1.0, 0])[:, None, None].expand_as(dense.normals))

    def test_the_whole_object_leans_by_its_slope(self):
        leaning = blind([0.3] + [0.0] * 5)
        leaning.slope.bias.data = torch.tensor([0.5, -0.25])
        relief = leaning(torch.rand(1, 3, 32, 32)).depth
        torch.testing.assert_close(relief, 0.3 + ramp(torch.tensor([[0.5, -0.25]]), 32))

    def test_a_fresh_one_does_not_lean(self):
        fresh = MiniBackbone(32, blocks=1)
        assert not fresh.slope.weight.any() and not fresh.slope.bias.any()

    @pytest.mark.parametrize("bias", [-60.0, 0.0, 60.0])
    def test_thickness_is_never_negative(self, backbone, bias):
        other = deepcopy(backbone)
        other.shape_head.last.bias[1] += bias
        thickness = other(torch.rand(1, 3, 32, 32)).thickness
        assert thickness.isfinite().all() and thickness.min() >= 0
        assert thickness.mean() == pytest.approx(max(bias - 1, 0), abs=3.0)

    def test_images_of_a_batch_do_not_mix(self, backbone):
        images = torch.rand(2, 3, 32, 32)
        same(pick(backbone(images), 1), backbone(images[1:]))

    def test_the_coarse_map_sees_the_whole_image(self, backbone):
        image = torch.rand(1, 3, 64, 64)
        other = image.clone()
        other[..., -8:, -8:] = 1 - other[..., -8:, -8:]
        change = (backbone(image).coarse - backbone(other).coarse).abs().amax(1)
        assert (change > 1e-6).all()


class TestMasksTold:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))

    @pytest.fixture
    def masks(self):
        masks = torch.zeros(1, 2, 32, 32)
        masks[:, 0, 6:20, 8:28], masks[:, 1, 20:26, 4:30] = 1, 1
        return masks

    def test_zeros_mean_that_nothing_is_known(self, backbone, masks):
        same(backbone(self.image, masks * 0), backbone(self.image))
        assert differs(backbone(self.image, masks), backbone(self.image))

    def test_the_surroundings_have_no_influence(self, backbone, masks):
        noise = torch.rand(1, 3, 32, 32)
        around = torch.where(masks[:, :1] > 0, self.image, noise)
        assert differs(backbone(self.image), backbone(around))
        for name, value in vars(backbone(self.image, masks)).items():
            assert torch.equal(value, getattr(backbone(around, masks), name)), name

    def test_the_object_itself_counts_and_so_do_both_masks(self, backbone, masks):
        plain, other = backbone(self.image, masks), self.image.clone()
        other[..., 10:12, 10:12] = 1 - other[..., 10:12, 10:12]
        assert differs(plain, backbone(other, masks))
        assert differs(plain, backbone(self.image, masks * torch.tensor([1.0, 0]).reshape(1, 2, 1, 1)))
        assert differs(plain, backbone(self.image, masks.roll(1, -1)))

    def test_each_image_is_told_its_own(self, backbone, masks):
        """One image with masks and one without them in the same batch, as training shows them."""
        images = torch.cat([self.image, self.image.flip(-1)])
        both = backbone(images, torch.cat([masks * 0, masks]))
        same(pick(both, 0), backbone(images[:1]))
        same(pick(both, 1), backbone(images[1:], masks))

    def test_what_is_masked_out_is_mid_grey(self, backbone, masks):
        grey = torch.where(masks[:, :1] > 0, self.image, 0.5)
        caught = []
        hook = backbone.encoder.register_forward_hook(lambda module, inputs, output: caught.append(inputs[0]))
        backbone(self.image, masks)
        hook.remove()
        torch.testing.assert_close(caught[0], torch.cat([grey * 2 - 1, masks], 1))


class TestBlocks:
    def test_convolutions_leave_mean_0_and_deviation_1_over_the_batch(self):
        block, x = ConvNorm(5, 7), 3 * torch.randn(4, 5, 8, 10) + 2
        plain = F.conv2d(x, block[0].weight, padding=1)
        mean, deviation = plain.mean((0, 2, 3), keepdim=True), plain.std((0, 2, 3), keepdim=True, correction=0)
        torch.testing.assert_close(block(x), ((plain - mean) / deviation).relu(), rtol=1e-3, atol=1e-3)

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

    def test_merge_sees_each_coarse_cell_beside_its_four_finer_ones(self):
        merge = Merge(2, 3, 8)
        merge.conv = nn.Identity()
        coarse, skip = torch.randn(1, 2, 4, 5), torch.randn(1, 3, 8, 10)
        beside = merge(coarse, skip)
        assert torch.equal(beside[:, 2:], skip)
        for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
            assert torch.equal(beside[:, :2, y::2, x::2], coarse)
        assert Merge(2, 3, 8)(coarse, skip).shape == (1, 8, 8, 10)

    def test_a_head_doubles_the_side(self):
        assert DenseHead(16, 3)(torch.randn(1, 16, 6, 7)).shape == (1, 3, 12, 14)


class TestRamp:
    def test_closed_form(self):
        """Pixel centres of four pixels lie at -3/8, -1/8, 1/8, 3/8 of the picture's width."""
        made = ramp(torch.tensor([[8.0, 0.0], [0.0, 16.0]]), 4)
        assert made.shape == (2, 1, 4, 4)
        torch.testing.assert_close(made[0, 0], torch.tensor([-3.0, -1, 1, 3]).expand(4, 4))
        torch.testing.assert_close(made[1, 0], torch.tensor([-6.0, -2, 2, 6])[:, None].expand(4, 4))

    def test_a_plane_seen_by_a_pinhole(self):
        """To first order, depth that rises by as much as the picture's width is a slope of half: depth_from_relief."""
        side, focal, distance = 64, 40.0, 1000.0  # far: the perspective itself hardly shows
        relief = ramp(torch.tensor([[0.5, 0.0]]), side)
        depth = distance * depth_from_relief(relief, torch.tensor([focal]))[0, 0, 0]
        width = distance / focal  # of the picture, at that distance
        rise = (depth[-1] - depth[0]) / width * side / (side - 1)
        assert float(rise) == pytest.approx(1.0, rel=0.01)


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
