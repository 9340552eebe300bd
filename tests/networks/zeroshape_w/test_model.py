import math
from dataclasses import replace

import pytest
import torch

from recon_lib import networks
from recon_lib.errors import BadInput
from recon_lib.networks.zeroshape_w.model import BASE, MINI, ZEROSHAPE, ZeroShapeW, ZeroShapeWConfig
from recon_lib.networks.zeroshape_w.visible_points import Normalization, normalize_visible, unproject

SIDE = 48


def shapes(module):
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def same(first, second):
    for name in ("mask", "occluder", "intrinsics"):
        torch.testing.assert_close(getattr(first, name), getattr(second, name))
    for name, value in vars(first.dense).items():
        torch.testing.assert_close(value, getattr(second.dense, name))


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return ZeroShapeW(MINI).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def image():
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def mask():
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[0, :, 10:30, 12:40], mask[1, :, 4:44, 20:30] = 1, 1
    return mask


class TestSizes:
    def test_base_adds_the_heads_the_occluder_channel_and_the_prior(self):
        with torch.device("meta"):
            base, zeroshape = shapes(ZeroShapeW(BASE)), shapes(ZeroShapeW(ZEROSHAPE))
        assert {key.split(".")[0] for key in base.keys() - zeroshape.keys()} == {
            "mask_head", "occluder_head", "impl_network",
        }  # fmt: skip
        changed = {key: (zeroshape[key], base[key]) for key in zeroshape if base[key] != zeroshape[key]}
        assert len(changed) == 1
        ((before, after),) = changed.values()
        assert (before[1], after[1]) == (3, 4)

    def test_mini_is_small(self, mini):
        assert sum(p.numel() for p in mini.parameters()) <= 10_000_000
        assert 2 * sum(v.numel() for v in mini.state_dict().values()) <= 20_000_000  # bytes in half precision

    def test_no_other_size(self):
        with pytest.raises(BadInput, match="no size 'huge'; use mini or base"):
            ZeroShapeW(ZeroShapeWConfig("huge"))


class TestConfig:
    @pytest.mark.parametrize("config", [MINI, BASE, ZEROSHAPE])
    def test_there_and_back(self, config):
        assert ZeroShapeWConfig.of(config.to_dict()) == config

    def test_unknown_settings_are_named(self):
        with pytest.raises(BadInput, match="no setting depth, wings; update the pack"):
            ZeroShapeWConfig.of({"size": "mini", "wings": 2, "depth": 1})

    def test_build(self):
        with torch.device("meta"):
            built = networks.build("zeroshape-w", replace(MINI, extent=2.5).to_dict())
            assert built.config.extent == 2.5
            assert shapes(built) == shapes(ZeroShapeW(MINI))
        with pytest.raises(BadInput, match="No system is called 'shape-o-matic'"):
            networks.build("shape-o-matic", {})


class TestPredictDense:
    def test_a_picture_of_each_thing(self, mini, image):
        prediction = mini.predict_dense(image)
        assert prediction.mask.shape == prediction.occluder.shape == prediction.dense.depth.shape == (2, 1, SIDE, SIDE)
        assert (prediction.dense.depth > 0).all()
        assert prediction.dense.thickness.shape == prediction.dense.amodal.shape == (2, 1, SIDE, SIDE)
        prior = torch.tensor([[1.3875 * SIDE, 0, SIDE / 2], [0, 1.3875 * SIDE, SIDE / 2], [0, 0, 1]])
        torch.testing.assert_close(prediction.intrinsics, prior.expand(2, 3, 3))  # the untrained camera

    def test_the_focal_length_flattens_the_depth(self, mini, image):
        other = ZeroShapeW(MINI).eval()
        other.load_state_dict(mini.state_dict())
        other.intr_proj.bias.data[0] = 10.0  # tanh is 1: four times the prior
        plain, long = mini.predict_dense(image), other.predict_dense(image)
        torch.testing.assert_close(long.intrinsics[:, 0, 0], 4 * plain.intrinsics[:, 0, 0])
        torch.testing.assert_close(long.dense.depth.log() * 4, plain.dense.depth.log(), rtol=1e-3, atol=1e-5)

    def test_told_masks_take_the_surroundings_away(self, mini, image, mask):
        masks = torch.cat([mask, mask.roll(12, -2) * (1 - mask)], 1)
        around = torch.where(mask > 0, image, image.flip(1))
        same(mini.predict_dense(image, masks=masks * 0), mini.predict_dense(image))
        same(mini.predict_dense(image, masks=masks), mini.predict_dense(around, masks=masks))
        assert (
            mini.predict_dense(image).dense.depth - mini.predict_dense(image, masks=masks).dense.depth
        ).abs().max() > 1e-4
        assert (mini.predict_dense(image).mask - mini.predict_dense(around).mask).abs().max() > 1e-4

    def test_only_the_mini_model_is_told_masks(self):
        with torch.device("meta"):
            zeroshape = ZeroShapeW(ZEROSHAPE)
            prediction = zeroshape.predict_dense(torch.rand(1, 3, 224, 224), masks=torch.ones(1, 2, 224, 224))
        assert prediction.dense.depth.shape == (1, 1, 224, 224) and prediction.dense.thickness is None

    def test_text_without_a_prior(self, mini, image):
        with pytest.raises(BadInput, match="trained without a category prior"):
            mini.predict_dense(image, torch.zeros(2, 512))

    def test_pictures_must_be_square(self, mini):
        with pytest.raises(BadInput, match="image has shape"):
            mini.predict_dense(torch.zeros(1, 3, 32, 48))


class TestSurface:
    def test_the_surface_is_normalised_on_the_hard_mask(self, mini, image, mask):
        seen = mini.encode(mini.predict_dense(image), mask * 0.7)
        squared = seen.points.square().sum(1, keepdim=True)
        torch.testing.assert_close(squared.sum((1, 2, 3)) / mask.sum((1, 2, 3)), torch.ones(2))
        assert not (seen.points * (1 - mask)).any()
        torch.testing.assert_close(seen.cache.geometry[:, 3], mask[:, 0].unfold(1, 2, 2).unfold(2, 2, 2).mean((-2, -1)))

    def test_ones_own_depth_takes_the_place_of_the_predicted(self, mini, image, mask):
        prediction = mini.predict_dense(image)
        seen = mini.encode(prediction, mask, depth=torch.full((2, 1, SIDE, SIDE), 3.0))
        assert not seen.points[:, 2].abs().max() > 1e-5  # a plane that faces the camera
        torch.testing.assert_close(seen.normalization.centre[:, 2], torch.tensor([3.0, 3.0]))
        own = mini.encode(prediction, mask, depth=prediction.dense.depth)
        torch.testing.assert_close(own.points, mini.encode(prediction, mask).points)

    def test_no_occluder_is_an_empty_one(self, mini, image, mask):
        prediction, points = mini.predict_dense(image), torch.randn(2, 20, 3)
        none, empty, some = (mini.encode(prediction, mask, o) for o in (None, mask * 0, 1 - mask))
        torch.testing.assert_close(mini.query(points, none), mini.query(points, empty))
        assert (mini.query(points, some) - mini.query(points, none)).abs().max() > 1e-4

    def test_what_is_seen_is_above_the_level(self, mini, image, mask):
        seen = mini.encode(mini.predict_dense(image), mask)
        inner = mask[0, 0].bool() & (torch.nn.functional.avg_pool2d(mask, 5, 1, 2)[0, 0] > 0.99)
        points = seen.points[:, :, inner].mT
        plain, lifted = mini.query(points, seen), mini.query(points, seen, 50.0)
        assert plain.max() < 40  # the decoder alone is nowhere near the level
        assert (lifted > 45).all()  # on the surface itself: the level, within what half a pixel of it bends

    def test_queries_in_a_given_frame(self, mini, image, mask):
        """The same points in the camera's frame give the same pixels to read, whatever frame they are told in."""
        prediction = mini.predict_dense(image)
        frame = (
            prediction.intrinsics * torch.tensor([[1.2], [1.2], [1.0]]),
            Normalization(torch.ones(2, 3), torch.ones(2) * 2),
        )
        seen = mini.encode(prediction, mask, frame=frame)
        assert seen.normalization is frame[1] and seen.intrinsics is frame[0]
        torch.testing.assert_close(seen.cache.intrinsics[:, 0, 0], frame[0][:, 0, 0] / SIDE)
        torch.testing.assert_close(seen.points, mini.encode(prediction, mask).points)

    def test_an_empty_mask_is_told(self, mini, image, mask):
        with pytest.raises(BadInput, match="image 1 is empty"):
            mini.encode(mini.predict_dense(image), mask * torch.tensor([1.0, 0.0]).reshape(2, 1, 1, 1))


class TestGeometry:
    """What `surface` hands to the decoder of the whole object: first and last surface, silhouette, masks."""

    @pytest.fixture
    def prediction(self, mini, image, mask):
        return mini.predict_dense(image, masks=torch.cat([mask, mask * 0], 1))

    def test_the_last_surface_is_never_before_the_first(self, mini, prediction, mask, monkeypatch):
        thin = replace(prediction.dense, thickness=torch.where(mask > 0, prediction.dense.thickness, 0.0))
        geometry = geometry_of(monkeypatch, mini, replace(prediction, dense=thin), mask)
        assert geometry.shape == (2, 5, SIDE, SIDE)
        assert (geometry[:, 1] >= geometry[:, 0]).all()
        assert torch.equal(geometry[:, 1] > geometry[:, 0], mask[:, 0] > 0)

    def test_both_surfaces_in_closed_form(self, mini, prediction, mask, monkeypatch):
        """Relief 0.3 from first to last, at a focal length of 1.5 sides: exp(0.4) times as far away."""
        intrinsics = prediction.intrinsics * torch.tensor([[1.5 / 1.3875], [1.0], [1.0]])
        dense = replace(prediction.dense, thickness=torch.full((2, 1, SIDE, SIDE), 0.3))
        depth = 2 + torch.rand(2, 1, SIDE, SIDE)
        seen = replace(prediction, dense=dense, intrinsics=intrinsics)
        geometry = geometry_of(monkeypatch, mini, seen, mask, depth=depth)
        _, frame = normalize_visible(unproject(depth, intrinsics), mask, robust=True)
        on = mask[:, 0] > 0
        for found, true in zip(geometry[:, :2].unbind(1), (depth[:, 0], depth[:, 0] * math.exp(0.4)), strict=True):
            wanted = (true - frame.centre[:, 2, None, None]) / frame.scale[:, None, None]
            torch.testing.assert_close(found[on], wanted[on], rtol=1e-4, atol=1e-4)

    def test_the_silhouette_holds_the_mask_and_what_may_hide(self, mini, prediction, mask, monkeypatch):
        hidden = mask.roll(6, -2)
        dense = replace(prediction.dense, amodal=20 * hidden - 10)
        geometry = geometry_of(monkeypatch, mini, replace(prediction, dense=dense), mask, hidden * 0.7)
        torch.testing.assert_close(geometry[:, 2:3], torch.maximum(mask, hidden), rtol=0, atol=1e-4)
        assert torch.equal(geometry[:, 3:], torch.cat([mask, hidden * 0.7], 1))

    def test_hidden_parts_take_the_scale_of_ones_own_depth(self, mini, prediction, mask, monkeypatch):
        """Depth of a quarter the scale, known on the mask only: the predicted rest is brought to it."""
        plain = geometry_of(monkeypatch, mini, prediction, mask)
        own = geometry_of(monkeypatch, mini, prediction, mask, depth=prediction.dense.depth / 4 * mask)
        torch.testing.assert_close(own, plain, rtol=1e-3, atol=1e-3)

    def test_holes_in_ones_own_depth_are_filled(self, mini, prediction, mask, monkeypatch):
        depth = prediction.dense.depth.clone() * 3
        depth[..., 14:18, 22:26] = 0
        holes = (mask > 0) & (depth == 0)
        assert holes.flatten(1).any(1).all()
        geometry = geometry_of(monkeypatch, mini, prediction, mask * ~holes, depth=depth)
        blind = geometry_of(monkeypatch, mini, prediction, mask * ~holes)
        torch.testing.assert_close(geometry[:, :2], blind[:, :2], rtol=1e-3, atol=1e-3)

    def test_occupancy_does_not_teach_it(self, image, mask, monkeypatch):
        model = ZeroShapeW(MINI)
        assert not geometry_of(monkeypatch, model, model.predict_dense(image), mask).requires_grad


def geometry_of(monkeypatch, model, prediction, mask, occluder=None, depth=None):
    """[B,5,S,S] as the decoder gets it."""
    caught = []
    monkeypatch.setattr(model.impl_network, "prepare", lambda tokens, dense, geometry, *_: caught.append(geometry))
    model.encode(prediction, mask, occluder, depth)
    return caught[0]


def test_a_loss_on_every_output_reaches_every_weight(image, mask):
    model = ZeroShapeW(MINI).eval()  # a batch's own mean would swallow biases before it
    prediction = model.predict_dense(image, masks=torch.cat([mask, 1 - mask], 1))
    logits, dense = model.query(torch.randn(2, 16, 3), model.encode(prediction, mask)), prediction.dense
    outputs = (
        logits, prediction.mask, prediction.occluder, dense.depth, dense.thickness, dense.amodal, dense.normals,
        prediction.intrinsics,
    )  # fmt: skip
    sum(x.square().mean() for x in outputs).backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []
    head, stem = model.dpt_depth.shape_head.last.weight.grad, model.dpt_depth.encoder.stem[0].weight.grad
    assert head.flatten(1).any(1).all() and stem.transpose(0, 1).flatten(1).any(1).all()  # every output, every input


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 10**9}, {"image_size": None}, {"image_size": "128"}, {"image_size": 0}, {"text_width": -1},
        {"extent": float("inf")}, {"extent": 0}, {"threshold": float("nan")}, {"pixel_offset": [0.5]}, {"occluders": 1},
        {"occluders": None},
    ],
)  # fmt: skip
def test_cards_of_no_zeroshape(change):
    with pytest.raises(BadInput) as caught:
        ZeroShapeWConfig.of(change)
    assert len(str(caught.value)) < 250
