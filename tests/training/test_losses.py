import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.zeroshape_w import MINI, Glance, ZeroShapeW
from recon_lib.training.losses import (
    LossTerms,
    LossWeights,
    _shown,
    mask_loss,
    masked_mean,
    relief_loss,
    total,
    zeroshape_w_losses,
)  # fmt: skip

SIDE, QUERIES = 32, 20
SURE = 30.0


def batch():
    generator = torch.Generator().manual_seed(3)
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[0, :, 5:20, 8:30], mask[1, :, 10:25, 3:15] = 1, 1
    occluder = torch.zeros(2, 1, SIDE, SIDE)
    occluder[0, :, 20:, :] = 1
    intrinsics = torch.tensor([[40.0, 0, 15], [0, 42.0, 17], [0, 0, 1]]).repeat(2, 1, 1)
    intrinsics[1, 0, 0] = 60.0
    return {
        "image": torch.rand(2, 3, SIDE, SIDE, generator=generator),
        "mask": mask, "occluder": occluder,
        "depth": (2 + torch.rand(2, 1, SIDE, SIDE, generator=generator)) * mask,
        "normals": F.normalize(torch.randn(2, 3, SIDE, SIDE, generator=generator), dim=1),
        "intrinsics": intrinsics,
        "points": torch.randn(2, QUERIES, 3, generator=generator) + torch.tensor([0, 0, 2.5]),
        "inside": (torch.rand(2, QUERIES, generator=generator) > 0.5).float(),
    }  # fmt: skip


class Oracle(nn.Module):
    """Knows the batch; `changed` tells what it gets wrong. Remembers what the decoder was shown."""

    config = MINI

    def __init__(self, true, **changed):
        super().__init__()
        self.true, self.changed = true, changed

    def glance(self, image):
        t, ones = self.true, torch.ones(2, 1, 2, 2)
        depth = torch.where(t["mask"] > 0, t["depth"], 9.0)  # what lies off the mask must not matter
        dense = DenseFeatures(depth, ones, ones, ones, t["normals"])
        logits = [SURE * (2 * t[name] - 1) for name in ("mask", "occluder")]
        dense = replace(dense, **{k: v for k, v in self.changed.items() if k in ("depth", "normals")})
        glance = Glance(dense, t["intrinsics"], *logits)
        return replace(glance, **{k: v for k, v in self.changed.items() if k in ("intrinsics", "mask", "occluder")})

    def surface(self, glance, mask, occluder, frame):
        self.shown, self.frame = (mask, occluder), frame

    def query(self, points, surface):
        self.asked = points
        return self.changed.get("logits", SURE * (2 * self.true["inside"] - 1))


def terms(**changed):
    true = batch()
    return zeroshape_w_losses(Oracle(true, **changed), true)[0]


class TestPerfection:
    def test_costs_nothing(self):
        found = terms()
        assert set(found) == set(LossWeights.__dataclass_fields__)
        for name, value in found.items():
            assert float(value) == pytest.approx(0, abs=1e-5), name

    def test_queries_are_asked_in_the_true_frame(self):
        true = batch()
        oracle = Oracle(true, depth=true["depth"] * 5 + 1)
        zeroshape_w_losses(oracle, true)
        intrinsics, frame = oracle.frame
        assert torch.equal(intrinsics, true["intrinsics"])
        torch.testing.assert_close(frame.to_camera(oracle.asked), true["points"], rtol=1e-4, atol=1e-5)

    def test_the_scale_of_depth_is_free(self):
        true = batch()
        found = terms(depth=true["depth"] * 7 + (true["mask"] == 0))
        assert float(found["surface"]) == pytest.approx(0, abs=1e-4)
        assert float(found["relief"]) == pytest.approx(0, abs=1e-4)

    @pytest.mark.parametrize(
        ("name", "changed"),
        [
            ("occupancy", {"logits": torch.zeros(2, QUERIES)}),
            ("mask", {"mask": torch.zeros(2, 1, SIDE, SIDE)}),
            ("occluder", {"occluder": torch.zeros(2, 1, SIDE, SIDE)}),
            ("normals", {"normals": -batch()["normals"]}),
            ("surface", {"depth": batch()["depth"] ** 2 + 1}),
            ("relief", {"depth": batch()["depth"] ** 2 + 1}),
            ("camera", {"intrinsics": batch()["intrinsics"] * torch.tensor([[math.e, 1, 1], [1, 1, 1], [1, 1, 1]])}),
        ],
    )
    def test_each_term_sees_its_own_mistake(self, name, changed):
        found = terms(**changed)
        assert float(found[name]) > 0.05
        geometry = {"surface", "relief", "camera"}  # depth and camera make them together
        others = geometry if name in geometry else {name}
        assert all(float(value) == pytest.approx(0, abs=1e-4) for other, value in found.items() if other not in others)

    def test_closed_forms(self):
        assert float(terms(logits=torch.zeros(2, QUERIES))["occupancy"]) == pytest.approx(math.log(2))
        assert float(terms(normals=-batch()["normals"])["normals"]) == pytest.approx(2, rel=1e-4)
        wide = batch()["intrinsics"].clone()
        wide[:, 0, 0] *= math.e
        assert float(terms(intrinsics=wide)["camera"]) == pytest.approx(1, rel=1e-4)

    def test_a_backbone_without_normals(self):
        assert "normals" not in terms(normals=None)


class TestShown:
    def test_predicted_masks_for_every_other_image(self):
        true = batch()
        oracle = Oracle(true, mask=true["mask"].roll(3, -1) * 2 * SURE - SURE, occluder=torch.zeros(2, 1, SIDE, SIDE))
        zeroshape_w_losses(oracle, true)
        mask, occluder = oracle.shown
        assert torch.equal(mask[0], true["mask"].roll(3, -1)[0]) and torch.equal(mask[1], true["mask"][1])
        assert torch.equal(occluder[0], torch.full_like(occluder[0], 0.5))
        assert torch.equal(occluder[1], true["occluder"][1])

    def test_a_predicted_mask_of_a_few_pixels_gives_way(self):
        true = batch()
        logits = torch.full((2, 1, SIDE, SIDE), -SURE)
        logits[:, :, 0, :23] = SURE
        glance = Oracle(true, mask=logits).glance(None)
        mask, occluder = _shown(glance, true["mask"], true["occluder"])
        assert torch.equal(mask, true["mask"]) and torch.equal(occluder, true["occluder"])

    def test_masks_learn_nothing_from_the_shape(self):
        true = batch()
        logits = torch.zeros(2, 1, SIDE, SIDE, requires_grad=True)
        shown = _shown(Oracle(true, mask=logits + 1, occluder=logits).glance(None), true["mask"], true["occluder"])
        assert not any(part.requires_grad for part in shown)


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


class TestReliefLoss:
    def glance_of(self, depth, focal):
        intrinsics = torch.eye(3)[None] * torch.tensor([[focal], [focal], [1.0]])
        return Glance(DenseFeatures(depth, depth, depth), intrinsics, None, None)

    def true(self, depth, focal, mask):
        return {"depth": depth, "mask": mask, "intrinsics": self.glance_of(depth, focal).intrinsics}

    def test_closed_form(self):
        mask = torch.tensor([1.0, 1, 1, 1, 0, 0]).reshape(1, 1, 2, 3)
        step = torch.tensor([1.0, 1, -1, -1, 5, 7]).reshape(1, 1, 2, 3)
        true = self.true(torch.full((1, 1, 2, 3), 3.0), 20.0, mask)
        predicted = self.glance_of(3 * torch.exp(0.1 * step), 20.0)
        # each pixel is off by 0.1 * 20 pixels; the object is 2 pixels wide (4 pixels of area); doubled
        assert float(relief_loss(predicted, true)) == pytest.approx(0.1 * 20 / 2 * 2, rel=1e-4)

    def test_depth_with_the_wrong_focal_length_is_right_when_the_relief_is(self):
        mask, depth = torch.ones(1, 1, 4, 4), torch.rand(1, 1, 4, 4) + 1
        true = self.true(depth, 20.0, mask)
        assert float(relief_loss(self.glance_of(depth.sqrt() * 3, 40.0), true)) == pytest.approx(0, abs=1e-4)
        assert float(relief_loss(self.glance_of(depth, 40.0), true)) > 0.5

    def test_it_teaches_depth_and_not_the_camera(self):
        depth = (torch.rand(1, 1, 4, 4) + 1).requires_grad_()
        glance = self.glance_of(depth, 20.0)
        intrinsics = glance.intrinsics.clone().requires_grad_()
        relief_loss(
            replace(glance, intrinsics=intrinsics), self.true(torch.ones(1, 1, 4, 4), 20.0, torch.ones(1, 1, 4, 4))
        ).backward()
        assert depth.grad.abs().sum() > 0 and intrinsics.grad is None


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
    found = LossTerms(network)(batch())
    assert all(value.ndim == 0 and value.isfinite() for value in found.values())
    total(found, LossWeights()).backward()
    assert network.impl_network.embed.weight.grad.abs().sum() > 0
