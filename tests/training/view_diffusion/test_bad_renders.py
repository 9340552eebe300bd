import numpy as np
import pytest
import torch
import torch.nn.functional as F

from recon_lib.training.view_diffusion.bad_renders import bad_render, carried_colors, seen_by
from tests.helpers.view_prior import SIDE, ellipsoid_views


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    return ellipsoid_views(tmp_path_factory.mktemp("views"))


def psnr(a, b):
    return float(-10 * (a - b).square().mean().clamp_min(1e-9).log10())


def test_a_view_sees_itself_and_its_back_is_not_seen(views):
    """The views stand 36 degrees apart; the sixth looks from behind."""
    on = views.depth[:1] > 0
    assert seen_by(views[:1], views[:1]).min() == 1
    behind = seen_by(views[:1], views[5:6])
    assert behind[on].mean() < 0.45 and (behind[~on] == 1).all()
    assert seen_by(views[:1], views[torch.tensor([1, 5, 9])])[on].mean() > 0.8


def test_colours_carried_to_the_true_surface_are_true(views):
    target = views[0]
    distance = (target.cameras.unproject(target.depth) - target.cameras.position[:, None, None]).norm(dim=-1)[:, None]
    inputs = views[torch.tensor([0, 1, 9])]
    carried = carried_colors(inputs, target.cameras, distance, target.masks, np.random.default_rng(0))
    assert carried.shape == target.images.shape and psnr(carried, target.images) > 20


def test_bad_renders_are_worse_than_the_truth_and_better_than_the_hull(views):
    hull = torch.where(F.max_pool2d(views.masks[:1], 9, 1, 4) > 0.5, 0.5, 1.0).expand(-1, 3, -1, -1)
    bad = [bad_render(views[0], views[1:4], hull, np.random.default_rng(seed)) for seed in range(40)]
    figures = torch.tensor([psnr(b, views.images[:1]) for b in bad])
    assert all(b.shape == (1, 3, SIDE, SIDE) and b.min() >= 0 and b.max() <= 1 for b in bad)
    assert figures.median() > psnr(hull, views.images[:1]) + 2 and figures.median() < 35
    assert float(figures.std()) > 1
    assert any(torch.equal(b, hull) for b in bad) and not all(torch.equal(b, hull) for b in bad)


def test_the_dice_decide(views):
    hull = torch.ones(1, 3, SIDE, SIDE)
    first, again, other = (bad_render(views[0], views[1:4], hull, np.random.default_rng(s)) for s in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
