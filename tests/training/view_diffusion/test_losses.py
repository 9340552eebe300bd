import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from recon_lib.training.view_diffusion.dataset import draw_sample
from recon_lib.training.view_diffusion.losses import TARGETS, ViewDiffusionLoss
from tests.helpers.view_prior import ellipsoid_views, tiny_model

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    views = ellipsoid_views(tmp_path_factory.mktemp("views"))
    return default_collate([draw_sample(views, TARGETS + 2, np.random.default_rng(seed)) for seed in (0, 1)])


@pytest.mark.parametrize("denoise", [False, True])
def test_terms_are_finite_and_reach_every_weight(batch, denoise):
    model = tiny_model().requires_grad_(True)
    terms = ViewDiffusionLoss(model)(batch, 3, denoise)
    assert set(terms) == {"pixel_nerf", "opacity", "repair"} | ({"denoise"} if denoise else set())
    loss = torch.stack(list(terms.values())).sum()
    loss.backward()
    assert torch.isfinite(loss) and loss > 0
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_the_seed_decides(batch):
    loss = ViewDiffusionLoss(tiny_model())
    first, again, other = (loss(batch, seed, True) for seed in (1, 1, 2))
    for name, value in first.items():
        torch.testing.assert_close(value, again[name], rtol=1e-5, atol=1e-6)
    assert any(not torch.allclose(first[name], other[name]) for name in first)


def test_conditions_are_dropped_now_and_then(batch, monkeypatch):
    seen = []
    model = tiny_model()
    monkeypatch.setattr(model, "repair", lambda bad, condition: seen.append(condition.map) or bad)
    for seed in range(25):
        ViewDiffusionLoss(model)(batch, seed, False)
    empty = torch.cat([maps.flatten(1).abs().amax(1) == 0 for maps in seen]).float().mean()
    assert 0.02 < float(empty) < 0.2
