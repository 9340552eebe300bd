"""The losses of relief and thickness: what a picture shows of depth without showing the focal length."""

import math
from dataclasses import replace

import pytest
import torch

from recon_lib.networks.blocks import DenseFeatures
from recon_lib.networks.contracts import DensePrediction
from recon_lib.networks.zeroshape_w.mini_backbone import depth_from_relief
from recon_lib.networks.zeroshape_w.model import MINI, ZeroShapeW
from recon_lib.training.zeroshape_w.losses import relief_loss, thickness_loss
from tests.helpers.batches import batch, relief_of_thickness


class TestReliefLoss:
    def prediction_of(self, depth, focal):
        intrinsics = torch.eye(3)[None] * torch.tensor([[focal], [focal], [1.0]])
        return DensePrediction(DenseFeatures(depth, depth, depth), intrinsics, None, None)

    def true(self, depth, focal, mask, amodal=None):
        amodal = mask if amodal is None else amodal
        return {
            "depth": depth,
            "mask": mask,
            "amodal": amodal,
            "intrinsics": self.prediction_of(depth, focal).intrinsics,
        }

    def test_closed_form(self):
        mask = torch.tensor([1.0, 1, 1, 1, 0, 0]).reshape(1, 1, 2, 3)
        step = torch.tensor([1.0, 1, -1, -1, 5, 7]).reshape(1, 1, 2, 3)
        true = self.true(torch.full((1, 1, 2, 3), 3.0), 20.0, mask)
        predicted = self.prediction_of(3 * torch.exp(0.1 * step), 20.0)
        # each pixel is off by 0.1 * 20 pixels; the object is 2 pixels wide (4 pixels of area); doubled
        assert float(relief_loss(predicted, true)) == pytest.approx(0.1 * 20 / 2 * 2, rel=1e-4)

    def test_hidden_parts_are_held_against_the_visible_ones(self):
        """Off by 5 and 7 tenths behind the occluder, by 1 before it: the shift is that of the visible part."""
        mask = torch.tensor([1.0, 1, 1, 1, 0, 0]).reshape(1, 1, 2, 3)
        step = torch.tensor([1.0, 1, -1, -1, 5, 7]).reshape(1, 1, 2, 3)
        true = self.true(torch.full((1, 1, 2, 3), 3.0), 20.0, mask, torch.ones_like(mask))
        predicted = self.prediction_of(9 * torch.exp(0.1 * step), 20.0)
        wanted = 0.1 * 20 * (4 * 1 + 5 + 7) / 6 / math.sqrt(6) * 2
        assert float(relief_loss(predicted, true)) == pytest.approx(wanted, rel=1e-4)

    def test_depth_with_the_wrong_focal_length_is_right_when_the_relief_is(self):
        mask, depth = torch.ones(1, 1, 4, 4), torch.rand(1, 1, 4, 4) + 1
        true = self.true(depth, 20.0, mask)
        assert float(relief_loss(self.prediction_of(depth.sqrt() * 3, 40.0), true)) == pytest.approx(0, abs=1e-4)
        assert float(relief_loss(self.prediction_of(depth, 40.0), true)) > 0.5

    def test_it_teaches_depth_and_not_the_camera(self):
        depth = (torch.rand(1, 1, 4, 4) + 1).requires_grad_()
        prediction = self.prediction_of(depth, 20.0)
        intrinsics = prediction.intrinsics.clone().requires_grad_()
        relief_loss(
            replace(prediction, intrinsics=intrinsics), self.true(torch.ones(1, 1, 4, 4), 20.0, torch.ones(1, 1, 4, 4))
        ).backward()
        assert depth.grad.abs().sum() > 0 and intrinsics.grad is None


class TestThicknessLoss:
    amodal = torch.tensor([1.0, 1, 1, 1, 0, 0]).reshape(1, 1, 2, 3)

    def true(self, scale=1.0):
        """Everywhere 2 pixels of relief thick: at depth 3, through a focal length of 20."""
        depth = torch.full((1, 1, 2, 3), 3.0 * scale)
        intrinsics = torch.tensor([[[20.0, 0, 1], [0, 20, 1], [0, 0, 1]]])
        return {
            "depth": depth * self.amodal, "thickness": depth * (math.exp(0.1) - 1) * self.amodal,
            "amodal": self.amodal, "intrinsics": intrinsics,
        }  # fmt: skip

    def loss(self, thickness, scale=1.0):
        dense = DenseFeatures(*[torch.ones(1, 1, 2, 3)] * 3, thickness=thickness)
        return thickness_loss(DensePrediction(dense, torch.eye(3)[None], None, None), self.true(scale))

    @pytest.mark.parametrize(("predicted", "wanted"), [(0.0, 1.0), (2.0, 0.0), (5.0, 1.5)])
    @pytest.mark.parametrize("scale", [1.0, 7.0])
    def test_closed_form(self, predicted, wanted, scale):
        """In pixels of relief; the object is 2 pixels wide, whatever its distance. Off it anything may be said."""
        thickness = torch.where(self.amodal > 0, predicted / (2 * 3), 40.0)
        assert float(self.loss(thickness, scale)) == pytest.approx(wanted, abs=1e-5)

    def test_it_teaches_each_pixel_of_the_silhouette_its_side(self):
        thickness = (torch.tensor([0.0, 1, 3, 5, 0, 9]).reshape(1, 1, 2, 3) / 6).requires_grad_()
        self.loss(thickness).backward()
        pull = 2 * 3 / 2 / 4  # relief of a unit, over the object's width, over its pixels
        wanted = torch.tensor([-pull, -pull, pull, pull, 0, 0]).reshape(1, 1, 2, 3)
        torch.testing.assert_close(thickness.grad, wanted)

    def test_what_it_teaches_puts_the_last_surface_where_it_is(self):
        """The thickness without loss is the one that the network's geometry turns into the true last depth."""
        thickness = (relief_of_thickness(self.true()) / (2 * 3)).clamp_min(0)
        assert float(self.loss(thickness)) == pytest.approx(0, abs=1e-5)
        last = 3 * depth_from_relief(thickness, torch.tensor([20.0 / 3]))
        torch.testing.assert_close(last, 3 + self.true()["thickness"])

    def test_nothing_but_thickness_learns(self):
        true = batch()
        network = ZeroShapeW(MINI)
        prediction = network.predict_dense(true["image"])
        thickness_loss(prediction, true).backward()
        head = network.dpt_depth.shape_head.last.bias.grad
        assert head[1] != 0 and not head[[0, 2, 3, 4, 5]].any()
        assert all(p.grad is None for p in network.intr_proj.parameters())
