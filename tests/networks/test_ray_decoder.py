import math

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.ray_decoder import BANDS, CrossBlock, RayDecoder, SurfaceTokens, octaves
from recon_lib.networks.visible_points import Normalization

SIDE, FINE, MIDDLE, WIDTH = 32, 5, 6, 16
FOCAL = 40.0


@pytest.fixture
def decoder():
    return RayDecoder(FINE, MIDDLE, WIDTH).eval().requires_grad_(False)


@pytest.fixture
def normalization():
    return Normalization(torch.tensor([[0.1, -0.2, 3.0], [0.0, 0.3, 4.0]]), torch.tensor([0.8, 1.5]))


@pytest.fixture
def dense():
    fine, middle = torch.randn(2, FINE, SIDE // 2, SIDE // 2), torch.randn(2, MIDDLE, SIDE // 4, SIDE // 4)
    return DenseFeatures(torch.ones(2, 1, SIDE, SIDE), fine, torch.zeros(2, 3, 2, 2), middle)


@pytest.fixture
def geometry():
    """Normalised depth on a mask of whole 2x2 cells (0 off it), the mask, an occluder."""
    mask = (torch.rand(2, 1, SIDE // 2, SIDE // 2) > 0.3).float()
    depth = torch.randn(2, 1, SIDE // 2, SIDE // 2) * mask
    small = torch.cat([depth, mask, torch.rand(2, 1, SIDE // 2, SIDE // 2)], 1)
    return small.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.fixture
def cache(decoder, dense, geometry, normalization):
    return decoder.prepare(torch.randn(2, 9, WIDTH), dense, geometry, camera(), normalization)


def camera():
    return torch.tensor([[FOCAL, 0, SIDE / 2], [0, FOCAL, SIDE / 2], [0, 0, 1]]).repeat(2, 1, 1)


def points_at(pixels, depth, normalization):
    """Normalised points [2,N,3] that are seen at pixels [N,2] (of the SIDE x SIDE image) with z-depth [N]."""
    z = depth[:, None]
    xy = (pixels - SIDE / 2) / FOCAL * z
    return normalization.to_normalized(torch.cat([xy, z], 1).expand(2, -1, -1))


def embedded(decoder, points, cache):
    """What the decoder embeds of each point, taken apart."""
    caught = []
    hook = decoder.embed.register_forward_hook(lambda module, inputs, output: caught.append(inputs[0]))
    decoder.query(points, cache)
    hook.remove()
    return caught[0].split((FINE, MIDDLE, 3, 1, 1, 2 * (1 + 2 * BANDS)), dim=-1)


class TestWhatAPointReads:
    def test_maps_at_the_centre_of_its_pixel(self, decoder, cache, dense, geometry, normalization):
        y, x = torch.tensor([0, 3, 15, 8]), torch.tensor([0, 10, 15, 2])
        points = points_at(torch.stack([x, y], 1) * 2 + 1.0, torch.tensor([2.0, 3.5, 1.0, 6.0]), normalization)
        fine, _, own, mask, occluder, depth = embedded(decoder, points, cache)
        torch.testing.assert_close(fine, dense.fine[:, :, y, x].mT, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(own, points)
        torch.testing.assert_close(mask[..., 0], geometry[:, 1, 2 * y, 2 * x], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(occluder[..., 0], geometry[:, 2, 2 * y, 2 * x], rtol=1e-4, atol=1e-4)
        seen = mask[..., 0] > 0.5
        behind = points[..., 2] - geometry[:, 0, 2 * y, 2 * x]
        torch.testing.assert_close(depth[..., 0], points[..., 2])
        torch.testing.assert_close(depth[..., 1][seen], behind[seen], rtol=1e-3, atol=1e-3)

    def test_the_middle_map_at_its_own_centres(self, decoder, cache, dense, normalization):
        y, x = torch.tensor([0, 7, 4]), torch.tensor([5, 7, 0])
        points = points_at(torch.stack([x, y], 1) * 4 + 2.0, torch.tensor([2.0, 3.0, 4.0]), normalization)
        torch.testing.assert_close(
            embedded(decoder, points, cache)[1], dense.middle[:, :, y, x].mT, rtol=1e-4, atol=1e-4
        )

    def test_the_border_beyond_the_border_and_nothing_wild_behind_the_camera(
        self, decoder, cache, dense, normalization
    ):
        points = points_at(torch.tensor([[-50.0, -80.0], [900.0, 1.0]]), torch.tensor([2.0, 2.0]), normalization)
        torch.testing.assert_close(
            embedded(decoder, points, cache)[0], dense.fine[:, :, [0, 0], [0, -1]].mT, rtol=1e-4, atol=1e-4
        )
        behind = points_at(torch.tensor([[3.0, 4.0], [16.0, 16.0]]), torch.tensor([-2.0, 0.0]), normalization)
        assert decoder.query(behind, cache).isfinite().all()


class TestQuery:
    def test_in_pieces_and_at_once_are_the_same(self, decoder, cache):
        points = torch.randn(2, 50, 3)
        whole = decoder.query(points, cache)
        assert whole.shape == (2, 50) and whole.std() > 1e-4
        pieces = torch.cat([decoder.query(part, cache) for part in points.split((1, 30, 19), dim=1)], dim=1)
        torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-5)

    def test_each_image_has_its_own_cache(self, decoder, dense, geometry, normalization):
        tokens, points = torch.randn(2, 9, WIDTH), torch.randn(2, 12, 3)
        both = decoder.query(points, decoder.prepare(tokens, dense, geometry, camera(), normalization))
        one = DenseFeatures(dense.depth[1:], dense.fine[1:], dense.coarse[1:], dense.middle[1:])
        alone = Normalization(normalization.centre[1:], normalization.scale[1:])
        cache = decoder.prepare(tokens[1:], one, geometry[1:], camera()[1:], alone)
        torch.testing.assert_close(decoder.query(points[1:], cache), both[1:], rtol=1e-4, atol=1e-5)

    def test_the_size_of_the_image_in_pixels_does_not_matter(self, decoder, dense, geometry, normalization):
        tokens, points = torch.randn(2, 9, WIDTH), torch.randn(2, 12, 3)
        double = geometry.repeat_interleave(2, 2).repeat_interleave(2, 3)
        scale = torch.tensor([2.0, 2.0, 1.0])[:, None]
        small = decoder.prepare(tokens, dense, geometry, camera(), normalization)
        large = decoder.prepare(tokens, dense, double, camera() * scale, normalization)
        torch.testing.assert_close(decoder.query(points, large), decoder.query(points, small), rtol=1e-4, atol=1e-5)

    def test_wrong_shape(self, decoder, cache):
        with pytest.raises(BadInput, match="points has shape"):
            decoder.query(torch.zeros(1, 5, 3), cache)


def test_cross_attention_with_stored_keys_is_plain_cross_attention():
    block, tokens, x = CrossBlock(WIDTH, heads=2), torch.randn(2, 6, WIDTH), torch.randn(2, 4, WIDTH)
    key, value = block.key_value(block.norm_tokens(tokens)).chunk(2, -1)
    query, heads = block.query(block.norm1(x)), []
    for part in (slice(0, 8), slice(8, 16)):
        weights = (query[..., part] @ key[..., part].mT / math.sqrt(8)).softmax(-1)
        heads.append(weights @ value[..., part])
    plain = x + block.out(torch.cat(heads, -1))
    plain = plain + block.mlp(block.norm2(plain))
    torch.testing.assert_close(block(x, block.prepare(tokens)), plain)


def test_octaves():
    x = torch.tensor([[0.5, -1.0]])
    found = octaves(x)
    assert found.shape == (1, 2 + 4 * BANDS)
    angles = [math.pi / 2 * 2**band * value for value in (0.5, -1.0) for band in range(BANDS)]
    wanted = [0.5, -1.0, *map(math.sin, angles), *map(math.cos, angles)]
    torch.testing.assert_close(found[0], torch.tensor(wanted), rtol=0, atol=1e-5)


class TestSurfaceTokens:
    def test_one_for_the_whole_and_one_a_cell(self):
        tokens = SurfaceTokens(12, WIDTH)(
            torch.randn(2, 3, SIDE, SIDE), torch.ones(2, 1, SIDE, SIDE), torch.zeros(2, 1, SIDE, SIDE),
            torch.randn(2, 12, SIDE // 16, SIDE // 16),
        )  # fmt: skip
        assert tokens.shape == (2, 1 + (SIDE // 16) ** 2, WIDTH)

    def test_the_first_token_is_the_mean_before_attention(self):
        encoder = SurfaceTokens(12, WIDTH)
        encoder.blocks = torch.nn.Identity()
        maps = [torch.randn(1, c, SIDE, SIDE) for c in (3, 1, 1)]
        tokens = encoder(*maps, torch.randn(1, 12, SIDE // 16, SIDE // 16))
        torch.testing.assert_close(tokens[:, 0], tokens[:, 1:].mean(1))

    @pytest.mark.parametrize("which", range(4))
    def test_every_input_counts(self, which):
        encoder = SurfaceTokens(12, WIDTH)
        maps = [torch.rand(1, c, SIDE, SIDE) for c in (3, 1, 1)] + [torch.rand(1, 12, SIDE // 16, SIDE // 16)]
        other = [m + (i == which) * torch.rand_like(m) for i, m in enumerate(maps)]
        assert (encoder(*maps) - encoder(*other)).abs().max() > 1e-4
