import math

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.encodings import axis_frequency_encoding
from recon_lib.networks.zeroshape_w.ray_decoder import BANDS, CrossBlock, RayDecoder, SurfaceTokens, seen_slab
from recon_lib.networks.zeroshape_w.visible_points import Normalization

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
    """Normalised first and last surface, silhouette, object, occluder, the same over cells of 2x2 pixels."""
    cells = (2, 1, SIDE // 2, SIDE // 2)
    silhouette = torch.tensor([0.0, 0.4, 1.0])[torch.randint(3, cells)]
    first = torch.randn(cells)
    mask = (silhouette == 1) & (torch.rand(cells) > 0.5)
    return enlarged(torch.cat([first, first + torch.rand(cells), silhouette, mask.float(), torch.rand(cells)], 1))


@pytest.fixture
def cache(decoder, dense, geometry, normalization):
    return decoder.prepare(torch.randn(2, 9, WIDTH), dense, geometry, camera(), normalization)


def enlarged(cells):
    return cells.repeat_interleave(2, 2).repeat_interleave(2, 3)


def camera():
    return torch.tensor([[FOCAL, 0, SIDE / 2], [0, FOCAL, SIDE / 2], [0, 0, 1]]).repeat(2, 1, 1)


def points_at(pixels, depth, normalization):
    """Normalised points [2,N,3] that are seen at pixels [N,2] (of the SIDE x SIDE image) with z-depth [N]."""
    z = depth[:, None]
    xy = (pixels - SIDE / 2) / FOCAL * z
    return normalization.to_normalized(torch.cat([xy, z], 1).expand(2, -1, -1))


def embedded(decoder, points, cache):
    """What the decoder embeds of each point: fine, middle, itself, silhouette and masks, depths, their encoding."""
    caught = []
    hook = decoder.embed.register_forward_hook(lambda module, inputs, output: caught.append(inputs[0]))
    decoder.query(points, cache)
    hook.remove()
    return caught[0].split((FINE, MIDDLE, 3, 3, 3, 3 * 2 * BANDS), dim=-1)


class TestWhatAPointReads:
    def test_maps_at_the_centre_of_its_pixel(self, decoder, cache, dense, geometry, normalization):
        y, x = torch.tensor([0, 3, 15, 8]), torch.tensor([0, 10, 15, 2])
        points = points_at(torch.stack([x, y], 1) * 2 + 1.0, torch.tensor([2.0, 3.5, 1.0, 6.0]), normalization)
        fine, _, own, masks, depth, waves = embedded(decoder, points, cache)
        at = geometry[:, :, 2 * y, 2 * x]
        torch.testing.assert_close(fine, dense.fine[:, :, y, x].mT, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(own, points)
        torch.testing.assert_close(masks, at[:, 2:].mT, rtol=1e-4, atol=1e-4)
        on = at[:, 2] > 0  # elsewhere there is no surface: both depths count as 0
        first, last = (torch.where(on, surface, 0.0) for surface in (at[:, 0], at[:, 1]))
        wanted = torch.stack([points[..., 2], points[..., 2] - first, last - points[..., 2]], -1)
        torch.testing.assert_close(depth, wanted, rtol=1e-3, atol=2e-3)
        torch.testing.assert_close(waves, axis_frequency_encoding(depth, BANDS)[..., 3:])

    def test_a_point_between_the_surfaces_knows_it(self, decoder, cache, geometry, normalization):
        """Behind the first and before the last: both distances are positive, and only there."""
        y, x = (geometry[:, 2].amin(0) > 0)[::2, ::2].nonzero().T
        first, last = (geometry[:, i, 2 * y, 2 * x] for i in (0, 1))
        for share, inside in ((-0.3, False), (0.5, True), (1.3, False)):
            z = normalization.to_camera(torch.stack([first * 0, first * 0, first + share * (last - first)], -1))[..., 2]
            points = torch.cat([points_at(torch.stack([x, y], 1) * 2 + 1.0, row, normalization) for row in z])[[0, 3]]
            clear = last - first > 0.05
            between = (embedded(decoder, points, cache)[4][..., 1:] > 0).all(-1)
            assert clear.sum() > 20 and bool((between[clear] == inside).all())

    def test_depths_are_means_over_what_is_covered(self, decoder, dense, normalization):
        """One pixel of a cell of four lies on the object: what stands beside it says nothing of the surface."""
        geometry = torch.full((2, 5, SIDE, SIDE), 50.0)
        geometry[:, 2:] = 0
        geometry[:, :3, ::2, ::2] = torch.tensor([0.3, 0.7, 1.0])[:, None, None]
        _, _, points, masks, depth, _ = self.at_the_centre_of_a_cell(decoder, dense, geometry, normalization)
        torch.testing.assert_close(masks[..., 0], torch.full((2, 1), 0.25), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(points[..., 2] - depth[..., 1], torch.full((2, 1), 0.3), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(points[..., 2] + depth[..., 2], torch.full((2, 1), 0.7), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(("silhouette", "share"), [(0.1, 1.0), (0.05, 0.5), (0.0, 0.0)])
    def test_far_from_the_object_the_surfaces_fade(self, decoder, dense, normalization, silhouette, share):
        geometry = torch.tensor([0.4, 0.9, silhouette, 0, 0])[:, None, None].expand(2, 5, SIDE, SIDE)
        _, _, points, _, depth, _ = self.at_the_centre_of_a_cell(decoder, dense, geometry, normalization)
        wanted = torch.stack([points[..., 2] - 0.4 * share, 0.9 * share - points[..., 2]], -1)
        torch.testing.assert_close(depth[..., 1:], wanted, rtol=1e-4, atol=1e-4)

    @staticmethod
    def at_the_centre_of_a_cell(decoder, dense, geometry, normalization):
        cache = decoder.prepare(torch.randn(2, 9, WIDTH), dense, geometry, camera(), normalization)
        return embedded(decoder, points_at(torch.tensor([[11.0, 19.0]]), torch.tensor([2.5]), normalization), cache)

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
        double = enlarged(geometry)
        scale = torch.tensor([2.0, 2.0, 1.0])[:, None]
        small = decoder.prepare(tokens, dense, geometry, camera(), normalization)
        large = decoder.prepare(tokens, dense, double, camera() * scale, normalization)
        torch.testing.assert_close(decoder.query(points, large), decoder.query(points, small), rtol=1e-4, atol=1e-5)

    def test_what_is_seen_is_inside_whatever_the_decoder_doubts(self, decoder, dense, normalization):
        """Surfaces at depths 0.3 and 0.7, the left half of the picture is the visible object's."""
        decoder.answer[-1].bias.fill_(-9.0)  # doubts everything
        geometry = torch.tensor([0.3, 0.7, 1.0, 1.0, 0.0])[:, None, None].repeat(2, 1, SIDE, SIDE)
        geometry[:, 3, :, SIDE // 2 :] = 0
        cache = decoder.prepare(torch.randn(2, 9, WIDTH), dense, geometry, camera(), normalization)
        for pixel, normalized_depth, inside in (
            (8.0, 0.25, False), (8.0, 0.32, True), (8.0, 0.48, True), (8.0, 0.55, False), (24.0, 0.4, False),
        ):  # fmt: skip
            along = torch.tensor([0.0, 0.0, normalized_depth]).expand(2, 1, 3)
            z = normalization.to_camera(along)[..., 2]
            at = [points_at(torch.tensor([[pixel, 16.0]]), row, normalization)[i] for i, row in enumerate(z)]
            points = torch.stack(at)
            for level in (-0.3, 0.0, 2.0):
                lifted = decoder.query(points, cache, level)
                assert bool((lifted > level).all()) == bool((lifted > level).any()) == inside
            assert (decoder.query(points, cache) < -2).all()

    def test_the_slab_takes_nothing_away(self, decoder, cache):
        points = torch.randn(2, 300, 3)
        plain, lifted = decoder.query(points, cache), decoder.query(points, cache, 0.1)
        assert (lifted >= plain).all() and (lifted == plain).float().mean() > 0.5

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


class TestSeenSlab:
    def test_from_the_first_surface_to_half_way(self):
        first, last = 1.0, 3.0
        z = torch.tensor([0.9, 1.1, 1.9, 2.1, 3.1])
        slab = seen_slab(z - first, last - z, torch.ones(5))
        assert (slab > 0).tolist() == [False, True, True, False, False]
        torch.testing.assert_close(seen_slab(z - first, last - z, torch.full((5,), 0.5)).clamp_min(0), torch.zeros(5))

    def test_none_where_the_surfaces_cross(self):
        z = torch.linspace(-2, 2, 41)
        assert (seen_slab(z - 0.5, 0.3 - z, torch.ones(41)) < 0).all()


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
