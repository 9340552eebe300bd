"""Each loss against its closed form, and what it must not see."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from recon_lib.render.rays import RenderedRays
from recon_lib.stages.fitting.losses import (
    CREASE,
    color_loss,
    depth_loss,
    eikonal_loss,
    fit_losses,
    mask_loss,
    normal_loss,
    smoothness_loss,
)
from recon_lib.stages.fitting.rays import PixelRays
from recon_lib.stages.fitting.sdf_grid.settings import FitWeights

COUNT = 40


def rays(**changes) -> PixelRays:
    torch.manual_seed(1)
    plain = {
        "origins": torch.zeros(COUNT, 3), "directions": F.normalize(torch.randn(COUNT, 3), dim=-1),
        "colors": torch.rand(COUNT, 3), "background": torch.ones(COUNT, 3), "mask": (torch.arange(COUNT) % 2).float(),
        "trust": torch.ones(COUNT), "view": torch.arange(COUNT) % 2, "cos_axis": torch.ones(COUNT),
        "depth": torch.randn(COUNT), "depth_known": torch.ones(COUNT),
        "normals": F.normalize(torch.randn(COUNT, 3), dim=-1),
    }  # fmt: skip
    return PixelRays(**{**plain, **changes})


def rendered() -> RenderedRays:
    t, weights = torch.rand(COUNT, 4).sort(-1)[0], torch.full((COUNT, 4), 0.25)
    return RenderedRays(torch.rand(COUNT, 3), torch.ones(COUNT), torch.rand(COUNT), torch.randn(COUNT, 3), weights, t)


def test_color_is_l1():
    r = rays()
    assert color_loss(r.colors, r) == 0
    assert color_loss(r.colors + 0.1, r).item() == pytest.approx(0.1, rel=1e-4)


def test_mask_is_cross_entropy():
    """Of logits; a whole mask that is met adds nothing, so that insides are not pushed deeper for ever."""
    half = torch.full((COUNT,), 0.5)
    assert mask_loss(torch.zeros(COUNT), rays(mask=half)).item() == pytest.approx(math.log(2), rel=1e-5)
    right = torch.where(rays().mask > 0, 8.0, -8.0)
    assert mask_loss(right, rays()) < 1e-3
    assert mask_loss(-right, rays()).item() == pytest.approx(8, rel=1e-3)
    assert mask_loss(torch.full((COUNT,), 0.1), rays(mask=torch.ones(COUNT))) == 0


def test_a_soft_mask_wants_its_own_share():
    """The loss of a pixel that is covered by 0.3 is least where the logit says 0.3."""
    mask = torch.full((COUNT,), 0.3)
    silhouette = torch.logit(mask).requires_grad_(True)
    mask_loss(silhouette, rays(mask=mask)).backward()
    assert silhouette.grad.abs().max() < 1e-6
    best = mask_loss(silhouette, rays(mask=mask))
    assert all(best < mask_loss(silhouette + step, rays(mask=mask)) for step in (-0.5, 0.5))


def test_the_gradient_of_a_wrong_mask_does_not_fade_with_distance():
    far = torch.full((COUNT,), -40.0, requires_grad=True)
    mask_loss(far, rays(mask=torch.ones(COUNT))).backward()
    assert torch.allclose(far.grad * COUNT, torch.tensor(-1.0))


def test_eikonal_asks_for_unit_slopes():
    unit = F.normalize(torch.randn(9, 3), dim=-1)
    assert eikonal_loss(unit) < 1e-10
    assert eikonal_loss(unit * 3).item() == pytest.approx(4, rel=1e-4)


@given(st.floats(0.05, 20), st.floats(-5, 5), st.floats(0.05, 20), st.floats(-5, 5))
def test_depth_knows_neither_scale_nor_shift_of_any_view(scale_a, shift_a, scale_b, shift_b):
    """Rendered depth that is an affine image of each view's cue is right, whatever the two views' maps are."""
    r = rays()
    scale, shift = torch.tensor([scale_a, scale_b])[r.view], torch.tensor([shift_a, shift_b])[r.view]
    assert depth_loss(r.depth * scale + shift, r, 2) < 1e-4


def test_one_map_for_all_views_would_not_do():
    r = rays()
    apart = r.depth + 3.0 * r.view
    joined = replace(r, view=torch.zeros_like(r.view))
    assert depth_loss(apart, r, 2) < 1e-6
    assert depth_loss(apart, joined, 1) > 0.1


def test_depth_is_half_the_squared_residual_of_the_best_fit():
    r = rays(view=torch.zeros(COUNT, dtype=torch.int64))
    depth = r.depth + 0.3 * torch.randn(COUNT)
    matrix = torch.stack([depth, torch.ones(COUNT)], -1)
    fitted = matrix @ torch.linalg.lstsq(matrix, r.depth[:, None]).solution
    expected = (fitted[:, 0] - r.depth).square().mean() / 2
    assert depth_loss(depth, r, 1).item() == pytest.approx(expected.item(), rel=1e-3)


def test_depth_that_runs_backwards_is_wrong_and_is_turned():
    r = rays(view=torch.zeros(COUNT, dtype=torch.int64))
    depth = (-r.depth).requires_grad_()
    loss = depth_loss(depth, r, 1)
    assert loss > 0.5
    loss.backward()
    away = -(depth.grad * (r.depth - r.depth.mean())).sum()  # stepping against the gradient goes with the cue
    assert away > 0


def test_unknown_depth_is_not_looked_at():
    known = (torch.arange(COUNT) < 30).float()
    r = rays(depth_known=known)
    depth = torch.where(known > 0, r.depth, 100.0)
    assert depth_loss(depth, r, 2) < 1e-6


def test_flat_depth_has_finite_gradients():
    r = rays()
    depth = torch.full((COUNT,), 2.0, requires_grad=True)
    depth_loss(depth, r, 2).backward()
    assert torch.isfinite(depth.grad).all()


def test_a_view_without_depth_spoils_no_other():
    """Neither one that knows none, nor one that has no ray in the batch."""
    for changes in ({"depth_known": (rays().view == 0).float()}, {"view": torch.zeros(COUNT, dtype=torch.int64)}):
        r = rays(**changes)
        depth = torch.randn(COUNT).requires_grad_(True)
        depth_loss(depth, replace(r, depth=r.depth * r.depth_known), 2).backward()
        assert torch.isfinite(depth.grad).all()
        assert (depth.grad[r.depth_known == 0] == 0).all() and (depth.grad[r.depth_known == 1] != 0).any()


def test_normals_by_difference_and_angle():
    r = rays()
    assert normal_loss(r.normals * 0.3, r) < 1e-5, "only the direction counts"
    opposite = normal_loss(-r.normals, r)
    expected = (2 * r.normals.abs().sum(-1) + 2).mean()
    assert opposite.item() == pytest.approx(expected.item(), rel=1e-4)
    unknown = rays(normals=torch.zeros(COUNT, 3))
    assert normal_loss(torch.randn(COUNT, 3), unknown) == 0


def test_trust_weighs_every_loss_of_rays():
    trust = torch.where(torch.arange(COUNT) < 20, 1.0, 0.0)
    r = rays(trust=trust)
    half = rays()[torch.arange(20)]
    color, silhouette, depth = torch.rand(COUNT, 3), torch.rand(COUNT), torch.randn(COUNT)
    assert torch.allclose(color_loss(color, r), color_loss(color[:20], half))
    assert torch.allclose(mask_loss(silhouette, r), mask_loss(silhouette[:20], half))
    assert torch.allclose(depth_loss(depth, r, 2), depth_loss(depth[:20], half, 2))
    assert torch.allclose(normal_loss(color, r), normal_loss(color[:20], half))


def test_smoothness_is_zero_on_planes_and_linear_in_sharp_bends():
    values, around = torch.zeros(4), torch.tensor([1.0, -1, 0, 0, 2, -2]).expand(4, 6)
    assert smoothness_loss(values, around, 0.1).item() == pytest.approx(CREASE)
    once, twice = (smoothness_loss(values + bend, around, 0.1).item() for bend in (1.0, 2.0))
    assert twice / once == pytest.approx(2, rel=1e-4)


def test_the_sum_takes_cues_only_where_there_are_any():
    r, silhouette, gradient = rendered(), torch.rand(COUNT), torch.randn(9, 3)
    weights = FitWeights()
    bare = rays(depth_known=torch.zeros(COUNT), normals=torch.zeros(COUNT, 3))
    expected = (
        weights.color * color_loss(r.color, bare)
        + weights.mask * mask_loss(silhouette, bare)
        + weights.eikonal * eikonal_loss(gradient)
    )
    assert torch.allclose(fit_losses(r, silhouette, gradient, bare, 2, weights), expected)
    full = rays()
    cues = weights.depth * depth_loss(r.distance, full, 2) + weights.normal * normal_loss(r.normal, full)
    assert torch.allclose(fit_losses(r, silhouette, gradient, full, 2, weights), expected + cues)
    without = replace(weights, depth=0.0, normal=0.0)
    assert torch.allclose(fit_losses(r, silhouette, gradient, full, 2, without), expected)
