import pytest
import torch

from recon_lib.networks.list_sdf.mini import ListMini
from recon_lib.training.list_sdf.losses import LossTerms, LossWeights, chamfer, distance_loss, sign_loss, total


def batch(count=2, side=32):
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(count, 40, 3, generator=generator) - 0.5
    masks = torch.zeros(count, 2, side, side)
    masks[:, 0, 6:26, 8:24] = 1
    return {
        "image": torch.rand(count, 3, side, side, generator=generator), "masks": masks, "points": points,
        "distance": points.norm(dim=-1) - 0.4, "surface": 0.4 * torch.nn.functional.normalize(points, dim=-1),
        "up": torch.tensor([[0.0, -1, 0]]).repeat(count, 1), "position": points[..., :2] + 0.5,
        "convergence": torch.full((count,), 0.3),
    }  # fmt: skip


class TestChamfer:
    def test_of_equal_clouds_it_is_nothing(self):
        cloud = torch.randn(1, 30, 3)
        assert chamfer(cloud, cloud) < 1e-3

    def test_by_hand(self):
        one, two = torch.tensor([[[0.0, 0, 0]]]), torch.tensor([[[3.0, 0, 0], [0, 4, 0]]])
        assert chamfer(one, two) == pytest.approx(3 + (3 + 4) / 2)

    def test_its_gradient_pulls_to_the_nearest(self):
        one = torch.tensor([[[0.0, 0, 0]]], requires_grad=True)
        chamfer(one, torch.tensor([[[2.0, 0, 0]]])).backward()
        torch.testing.assert_close(one.grad[0, 0], torch.tensor([-2.0, 0, 0]))


def test_far_away_only_the_side_counts():
    distance = torch.tensor([[0.5, 0.5, -0.5, 0.02]])
    answers = torch.tensor([[1.5, 0.4, 0.0, 0.5]])
    wanted = torch.tensor([0.0, 0.6, 1.0, 0.3]).mean()
    assert distance_loss(answers, distance, 10.0) == pytest.approx(float(wanted))


def test_the_first_stage_trains_points_and_view_alone():
    terms = LossTerms(ListMini())
    assert set(terms(batch(), coarse_only=True)) == {"chamfer", "up", "position", "lens"}
    both = terms(batch())
    assert set(both) == {"chamfer", "up", "position", "lens", "occupancy", "distance", "sign"}
    assert total(both, LossWeights()).isfinite()


class TestSignLoss:
    def test_right_answers_far_off_cost_little_and_wrong_ones_much(self):
        distance = torch.tensor([[0.3, -0.3]])
        assert sign_loss(10 * distance, distance) < 1e-6
        assert sign_loss(-10 * distance, distance) == pytest.approx(24.0, rel=1e-3)

    def test_points_on_the_surface_do_not_count(self):
        far, answers = torch.tensor([[0.3, -0.3, 0.3]]), torch.tensor([[1.0, -1.0, -1.0]])
        near = torch.cat([far, torch.tensor([[1e-6, -1e-6]])], 1)
        both = sign_loss(torch.cat([answers, torch.tensor([[-1.0, 1.0]])], 1), near)
        torch.testing.assert_close(both, sign_loss(answers, far), rtol=1e-3, atol=0)
