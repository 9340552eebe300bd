import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.contracts import DensePrediction
from recon_lib.networks.zeroshape_w.model import MINI, ZeroShapeW
from recon_lib.training.zeroshape_w import losses
from recon_lib.training.zeroshape_w.losses import (
    LossTerms,
    LossWeights,
    _decoder_masks,
    mask_loss,
    masked_mean,
    occupancy_logits,
    rows_of,
    total,
    zeroshape_w_losses,
)  # fmt: skip
from tests.helpers.batches import QUERIES, SIDE, batch, relief_of_thickness

SURE = 30.0


def with_input_masks(*rows):
    """The batch, with input masks for some of its images: the true ones, shifted by a pixel to the right."""
    true = batch()
    for row in rows:
        true["input_masks"][row] = torch.cat([true["mask"][row], true["occluder"][row]]).roll(1, -1)
    return true


class Oracle(nn.Module):
    """Predicts the batch's truth, except for `changed`. Records the inputs of the decoder."""

    config = MINI

    def __init__(self, true, **changed):
        super().__init__()
        self.true, self.changed = true, changed

    def predict_dense(self, image, masks=None):
        t, layer, self.input_masks = self.true, torch.ones(2, 1, 2, 2), masks
        on = t["amodal"] > 0  # what lies off the object must not matter
        depth, thickness = torch.where(on, t["depth"], 9.0), torch.where(on, relief_of_thickness(t) / (2 * SIDE), 3.0)
        mask, occluder, amodal = (SURE * (2 * t[name] - 1) for name in ("mask", "occluder", "amodal"))
        dense = DenseFeatures(depth, layer, layer, layer, t["normals"], thickness, amodal)
        dense = replace(dense, **{k: v for k, v in self.changed.items() if hasattr(dense, k)})
        prediction = DensePrediction(dense, t["intrinsics"], mask, occluder)
        return replace(prediction, **{k: v for k, v in self.changed.items() if k in ("intrinsics", "mask", "occluder")})

    def encode(self, prediction, mask, occluder, depth, frame):
        self.prediction, self.decoder_masks, self.depth, self.frame = prediction, (mask, occluder), depth, frame

    def query(self, points, surface):
        self.points = points
        rows = [int((self.true["intrinsics"] == own).all((1, 2)).nonzero()) for own in self.frame[0]]
        return self.changed.get("logits", SURE * (2 * self.true["inside"] - 1))[rows]


def terms(true=None, **changed):
    true = true or batch()
    return zeroshape_w_losses(Oracle(true, **changed), true)[0]


class TestPerfection:
    def test_costs_nothing(self):
        values = terms()
        assert set(values) == set(LossWeights.__dataclass_fields__)
        for name, value in values.items():
            assert float(value) == pytest.approx(0, abs=1e-4), name

    def test_queries_are_in_the_true_frame(self):
        true = batch()
        oracle = Oracle(true, depth=true["depth"] * 5 + 1)
        zeroshape_w_losses(oracle, true)
        intrinsics, frame = oracle.frame
        assert torch.equal(intrinsics, true["intrinsics"])
        torch.testing.assert_close(frame.to_camera(oracle.points), true["points"], rtol=1e-4, atol=1e-5)

    def test_the_scale_of_depth_is_free(self):
        true = batch()
        values = terms(depth=true["depth"] * 7 + (true["amodal"] == 0))
        assert float(values["surface"]) == pytest.approx(0, abs=1e-4)
        assert float(values["relief"]) == pytest.approx(0, abs=1e-4)

    @pytest.mark.parametrize(
        ("name", "changed"),
        [
            ("occupancy", {"logits": torch.zeros(2, QUERIES)}),
            ("mask", {"mask": torch.zeros(2, 1, SIDE, SIDE)}),
            ("occluder", {"occluder": torch.zeros(2, 1, SIDE, SIDE)}),
            ("normals", {"normals": -batch()["normals"]}),
            ("thickness", {"thickness": torch.zeros(2, 1, SIDE, SIDE)}),
            ("amodal", {"amodal": torch.zeros(2, 1, SIDE, SIDE)}),
            ("surface", {"depth": batch()["depth"] ** 2 + 1}),
            ("relief", {"depth": batch()["depth"] ** 2 + 1}),
            ("camera", {"intrinsics": batch()["intrinsics"] * torch.tensor([[math.e, 1, 1], [1, 1, 1], [1, 1, 1]])}),
        ],
    )
    def test_each_term_sees_its_own_mistake(self, name, changed):
        values = terms(**changed)
        assert float(values[name]) > 0.05
        geometry = {"surface", "relief", "camera"}  # depth and camera make them together
        others = geometry if name in geometry else {name}
        assert all(float(value) == pytest.approx(0, abs=1e-4) for other, value in values.items() if other not in others)

    def test_closed_forms(self):
        assert float(terms(logits=torch.zeros(2, QUERIES))["occupancy"]) == pytest.approx(math.log(2))
        assert float(terms(normals=-batch()["normals"])["normals"]) == pytest.approx(2, rel=1e-4)
        wide = batch()["intrinsics"].clone()
        wide[:, 0, 0] *= math.e
        assert float(terms(intrinsics=wide)["camera"]) == pytest.approx(1, rel=1e-4)

    @pytest.mark.parametrize(("absent", "gone"), [("normals", {"normals"}), ("thickness", {"thickness", "amodal"})])
    def test_a_backbone_without_a_head(self, absent, gone):
        assert set(terms()) - set(terms(**{absent: None})) == gone

    def test_what_an_occluder_hides_is_learnt_as_well(self):
        """Depth, normals and thickness behind it count; the visible surface and the masks know nothing of it."""
        true = batch()
        hidden = (true["amodal"] > 0) & (true["mask"] == 0)
        assert hidden.any()
        wrong = {
            "depth": torch.where(hidden, 5.0, torch.where(true["depth"] > 0, true["depth"], 9.0)),
            "normals": torch.where(hidden, -1.0, 1.0) * true["normals"],
            "thickness": relief_of_thickness(true) / (2 * SIDE) + hidden,
        }
        values = terms(**wrong)
        assert all(float(values[name]) > 0.05 for name in ("relief", "normals", "thickness"))
        others = set(values) - {"relief", "normals", "thickness"}
        assert all(float(values[name]) == pytest.approx(0, abs=1e-4) for name in others)
        fraction = float(hidden[0].sum() / true["amodal"][0].sum())
        assert float(values["normals"]) == pytest.approx((2 * fraction + 0) / 2, rel=1e-3)  # nothing hides the second


class TestInputMasks:
    def test_the_network_has_the_input_masks(self):
        true = with_input_masks(1)
        oracle = Oracle(true)
        zeroshape_w_losses(oracle, true)
        assert torch.equal(oracle.input_masks, true["input_masks"])

    @pytest.mark.parametrize("rows", [(0,), (1,), (0, 1)])
    def test_only_images_with_masks_are_queried_for_occupancy(self, rows):
        true, at = with_input_masks(*rows), list(rows)
        logits = SURE * (2 * true["inside"] - 1)
        for row in {0, 1} - set(rows):
            logits[row] *= -1  # wrong, and never queried
        oracle = Oracle(true, logits=logits)
        values, queried_logits = zeroshape_w_losses(oracle, true)
        assert float(values["occupancy"]) == pytest.approx(0, abs=1e-5)
        assert torch.equal(queried_logits, logits[at])
        assert torch.equal(torch.cat(oracle.decoder_masks, 1), true["input_masks"][at])  # with the input masks
        assert torch.equal(oracle.frame[0], true["intrinsics"][at])
        torch.testing.assert_close(oracle.frame[1].to_camera(oracle.points), true["points"][at], rtol=1e-4, atol=1e-5)
        assert torch.equal(oracle.prediction.dense.depth, oracle.predict_dense(None).dense.depth[at])

    def test_all_other_terms_are_of_all_images(self):
        wrong = {"normals": -batch()["normals"], "depth": batch()["depth"] ** 2 + 1, "mask": batch()["mask"]}
        plain, some = terms(with_input_masks(), **wrong), terms(with_input_masks(1), **wrong)
        for name in set(plain) - {"occupancy"}:
            assert float(some[name]) == pytest.approx(float(plain[name])), name

    def test_rows_of_a_prediction(self):
        prediction = replace(Oracle(batch()).predict_dense(None), occluder=None)
        prediction = replace(prediction, dense=replace(prediction.dense, middle=None))
        rows = rows_of(prediction, torch.tensor([False, True]))
        assert rows.occluder is None and rows.dense.middle is None
        assert torch.equal(rows.intrinsics, prediction.intrinsics[1:]) and torch.equal(rows.mask, prediction.mask[1:])
        for name in set(vars(prediction.dense)) - {"middle"}:
            assert torch.equal(getattr(rows.dense, name), getattr(prediction.dense, name)[1:]), name

    def test_occupancy_of_a_batch_without_input_masks_has_half_predicted_ones(self):
        true = batch()
        oracle = Oracle(true, mask=SURE * (2 * true["mask"].roll(2, -1) - 1))
        logits = occupancy_logits(oracle, oracle.predict_dense(None), true)
        assert torch.equal(logits, SURE * (2 * true["inside"] - 1))
        assert torch.equal(oracle.decoder_masks[0], torch.cat([true["mask"][:1].roll(2, -1), true["mask"][1:]]))


def test_in_training_one_picture_in_four_comes_with_the_true_depth(monkeypatch):
    assert losses._every_fourth(torch.zeros(9, 1, 2, 2)).flatten().nonzero().flatten().tolist() == [3, 7]
    monkeypatch.setattr(losses, "_every_fourth", lambda values: torch.tensor([True, False])[:, None, None, None])
    true = batch()
    oracle = Oracle(true, depth=true["depth"] * 0 + 7)
    occupancy_logits(oracle, oracle.predict_dense(None), true, true_depth=True)
    assert torch.equal(oracle.depth[0], true["depth"][0]) and (oracle.depth[1] == 7).all()
    zeroshape_w_losses(oracle, true)
    assert oracle.depth is None


class TestDecoderMasks:
    def test_predicted_masks_for_every_other_image(self):
        true = batch()
        oracle = Oracle(true, mask=true["mask"].roll(3, -1) * 2 * SURE - SURE, occluder=torch.zeros(2, 1, SIDE, SIDE))
        zeroshape_w_losses(oracle, true)
        mask, occluder = oracle.decoder_masks
        assert torch.equal(mask[0], true["mask"].roll(3, -1)[0]) and torch.equal(mask[1], true["mask"][1])
        assert torch.equal(occluder[0], torch.full_like(occluder[0], 0.5))
        assert torch.equal(occluder[1], true["occluder"][1])

    def test_a_predicted_mask_of_a_few_pixels_gives_way(self):
        true = batch()
        logits = torch.full((2, 1, SIDE, SIDE), -SURE)
        logits[:, :, 0, :23] = SURE
        prediction = Oracle(true, mask=logits).predict_dense(None)
        mask, occluder = _decoder_masks(prediction, true["mask"], true["occluder"])
        assert torch.equal(mask, true["mask"]) and torch.equal(occluder, true["occluder"])

    def test_masks_learn_nothing_from_the_shape(self):
        true = batch()
        logits = torch.zeros(2, 1, SIDE, SIDE, requires_grad=True)
        masks = _decoder_masks(
            Oracle(true, mask=logits + 1, occluder=logits).predict_dense(None), true["mask"], true["occluder"]
        )
        assert not any(part.requires_grad for part in masks)


class TestMaskLoss:
    def test_undecided(self):
        target = torch.zeros(1, 1, 4, 4)
        target[..., :2] = 1
        dice = 1 - (2 * 4 + 1) / (8 + 8 + 1)  # p is 1/2: overlap 4, sum 8 + 8
        assert float(mask_loss(torch.zeros_like(target), target)) == pytest.approx(math.log(2) + dice / 2)

    def test_an_empty_target_has_no_dice(self):
        target = torch.zeros(2, 1, 4, 4)
        target[0, ..., :2] = 1
        alone = mask_loss(torch.zeros(1, 1, 4, 4), target[:1])
        assert float(mask_loss(torch.zeros_like(target), target)) == pytest.approx(float(alone))
        assert float(mask_loss(torch.zeros(1, 1, 4, 4), target[1:])) == pytest.approx(math.log(2))

    def test_certainty_is_free_and_certain_error_dear(self):
        target = (torch.rand(2, 1, 6, 6) > 0.5).float()
        assert float(mask_loss(SURE * (2 * target - 1), target)) == pytest.approx(0, abs=1e-5)
        assert float(mask_loss(SURE * (1 - 2 * target), target)) > 25


def test_masked_mean_weighs_images_not_pixels():
    values = torch.stack([torch.full((1, 2, 2), 3.0), torch.full((1, 2, 2), 5.0)])
    mask = torch.tensor([[[[1.0, 0], [0, 0]]], [[[1.0, 1], [1, 1]]]])
    assert float(masked_mean(values, mask)) == 4
    assert float(masked_mean(values, mask * 0)) == 0


def test_total_is_the_weighted_sum():
    weights = LossWeights(occupancy=2.0, mask=3.0, camera=0.5)
    named = {"occupancy": torch.tensor(1.0), "mask": torch.tensor(10.0), "camera": torch.tensor(4.0)}
    assert float(total(named, weights)) == 2 + 30 + 2


def test_the_network_with_its_losses_as_one_module():
    network = ZeroShapeW(MINI)
    values = LossTerms(network)(with_input_masks(1))
    assert set(values) == set(LossWeights.__dataclass_fields__)
    assert all(value.ndim == 0 and value.isfinite() for value in values.values())
    total(values, LossWeights()).backward()
    assert network.impl_network.embed.weight.grad.abs().sum() > 0
    assert network.dpt_depth.shape_head.last.weight.grad.flatten(1).any(1).all()
