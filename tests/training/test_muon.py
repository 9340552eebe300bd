from copy import deepcopy

import pytest
import torch
from torch import nn

from recon_lib.networks.zeroshape_w.model import MINI, ZeroShapeW
from recon_lib.training.muon import Muon, adam_and_muon, matrices_and_others, orthogonalized
from tests.helpers.training_runs import assert_each_weight_moves_once


class TestOrthogonalized:
    @pytest.mark.parametrize("shape", [(6, 40), (40, 6), (16, 16)])
    def test_singular_values_come_near_one(self, shape):
        torch.manual_seed(0)
        values = torch.linalg.svdvals(orthogonalized(torch.randn(shape)))
        assert values.min() > 0.4
        assert values.max() < 1.3

    def test_singular_vectors_stay(self):
        torch.manual_seed(1)
        u, _, v = torch.linalg.svd(torch.randn(5, 9), full_matrices=False)
        matrix = u @ torch.diag(torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0])) @ v
        turned = u.T @ orthogonalized(matrix) @ v.T
        torch.testing.assert_close(turned, torch.diag(turned.diag()), atol=1e-4, rtol=0)
        assert turned.diag().min() > 0.4

    def test_tall_is_wide_turned(self):
        torch.manual_seed(2)
        matrix = torch.randn(4, 11)
        torch.testing.assert_close(orthogonalized(matrix.T), orthogonalized(matrix).T)

    def test_the_size_of_the_gradient_does_not_matter(self):
        matrix = torch.randn(4, 7)
        torch.testing.assert_close(orthogonalized(matrix * 1000), orthogonalized(matrix), atol=1e-3, rtol=1e-3)

    def test_zeros_stay(self):
        assert not orthogonalized(torch.zeros(3, 5)).any()


class TestMuon:
    def test_the_first_step_is_the_orthogonalised_gradient(self):
        weight = nn.Parameter(torch.zeros(4, 8))
        weight.grad = torch.randn(4, 8)
        Muon([weight], lr=0.5).step()
        torch.testing.assert_close(weight.detach(), -0.5 * orthogonalized(weight.grad), atol=1e-5, rtol=1e-4)

    def test_tall_weights_take_longer_steps(self):
        weight = nn.Parameter(torch.zeros(32, 8))
        weight.grad = torch.randn(32, 8)
        Muon([weight], lr=1.0).step()
        torch.testing.assert_close(weight.detach(), -2 * orthogonalized(weight.grad), atol=1e-5, rtol=1e-4)

    def test_kernels_count_as_matrices(self):
        kernel, matrix = nn.Parameter(torch.zeros(4, 3, 3, 3)), nn.Parameter(torch.zeros(4, 27))
        kernel.grad = torch.randn(4, 3, 3, 3)
        matrix.grad = kernel.grad.reshape(4, 27)
        Muon([kernel, matrix], lr=0.1).step()
        torch.testing.assert_close(kernel.detach().reshape(4, 27), matrix.detach())

    def test_decay_shrinks_what_has_no_slope(self):
        weight = nn.Parameter(torch.ones(3, 3))
        weight.grad = torch.zeros(3, 3)
        Muon([weight], lr=0.1, decay=0.5).step()
        torch.testing.assert_close(weight.detach(), torch.full((3, 3), 0.95))

    def test_weights_without_gradient_are_left_alone(self):
        weight = nn.Parameter(torch.ones(3, 3))
        Muon([weight], lr=0.1, decay=0.5).step()
        assert (weight == 1).all()

    def test_it_solves_a_linear_problem(self):
        torch.manual_seed(0)
        truth, layer = torch.randn(6, 6), nn.Linear(6, 6, bias=False)
        optimizer = Muon(layer.parameters(), lr=0.1)
        for step in range(200):
            optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
            x = torch.randn(32, 6)
            loss = (layer(x) - x @ truth.T).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert (layer.weight - truth).abs().max() < 0.05

    def test_it_goes_on_from_its_state(self):
        weight = nn.Parameter(torch.randn(4, 4))
        first = Muon([weight], lr=0.1)
        weight.grad = torch.randn(4, 4)
        first.step()
        copy = nn.Parameter(weight.detach().clone())
        second = Muon([copy], lr=0.1)
        second.load_state_dict(deepcopy(first.state_dict()))
        weight.grad = copy.grad = torch.randn(4, 4)
        first.step()
        second.step()
        torch.testing.assert_close(weight, copy)


def test_every_weight_of_the_network_has_one_optimiser():
    model = ZeroShapeW(MINI)
    matrices, others = matrices_and_others(model)
    assert {id(p) for p in (*matrices, *others)} == {id(p) for p in model.parameters()}
    assert len(matrices) + len(others) == len(list(model.parameters()))
    assert all(p.ndim >= 2 for p in matrices)
    assert sum(p.numel() for p in matrices) > 0.9 * sum(p.numel() for p in model.parameters())
    outermost = (model.dpt_depth.encoder.stem[0].weight, model.dpt_depth.position, model.impl_network.answer[-1].weight)
    assert {id(p) for p in outermost} <= {id(p) for p in others}


@pytest.mark.parametrize(("muon_rate", "kinds"), [(0.02, ["AdamW", "Muon"]), (0.0, ["AdamW"])])
def test_each_weight_is_moved_by_one_optimizer(muon_rate, kinds):
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3), nn.Linear(16, 16), nn.Linear(16, 2))
    optimizers = adam_and_muon(model, 1e-3, muon_rate, 0.1)
    assert [type(optimizer).__name__ for optimizer in optimizers] == kinds
    assert_each_weight_moves_once(model, optimizers)
    for optimizer, rate in zip(optimizers, (1e-3, 0.02), strict=False):
        assert all(group["lr"] == rate for group in optimizer.param_groups)
