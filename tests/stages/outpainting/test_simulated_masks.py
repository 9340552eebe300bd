"""Simulated outpaint masks, against `find_outpaint_mask` on meshes and against what balls show by geometry."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.hull import HullField
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.outpainting.mask import UNKNOWN, find_outpaint_mask
from recon_lib.stages.outpainting.simulated_masks import (
    Errors,
    OrbitRenders,
    draw_earlier_and_target,
    simulate_outpaint_mask,
)
from recon_lib.views.next_views import MAX_VIEW_ANGLE_DEG, ring
from recon_lib.views.views import Views
from tests.helpers.shapes import ball, box

SIZE = 64


def around(mesh) -> Views:
    """An orbit as `OrbitShard.views` returns it: means over pixels, depth and normals at their centres, on white."""
    mesh = replace(mesh, vertex_colors=mesh.vertices * 0.4 + 0.5)
    directions = [(0.0, 10.0)] + [(a, e + 10) for a, e in ring()]
    cameras = Cameras.orbit([a for a, _ in directions], [e for _, e in directions], 3.5, 36.0, SIZE, SIZE)
    fine = render_mesh(mesh, cameras, shading="albedo", background=(1.0, 1.0, 1.0), supersample=3)
    exact = render_mesh(mesh, cameras, shading="albedo", supersample=1)
    return Views(fine.images, cameras, fine.masks, exact.depth, exact.normals)


BODIES = {"ball": ball(3).mapped(lambda v: v * 0.8), "box": box((0.55, 0.45, 0.4))}


@pytest.fixture(scope="module", params=sorted(BODIES))
def body(request):
    return BODIES[request.param]


@pytest.fixture(scope="module")
def views(body):
    return around(body)


@pytest.fixture(scope="module")
def prepared(views):
    return OrbitRenders.of(views)


@pytest.mark.parametrize(("earlier", "target"), [([0], 1), ([0, 1, 2], 3), ([0, 1, 2, 3, 4, 5], 7)])
def test_the_layers_are_those_of_the_stage(body, views, prepared, earlier, target):
    rows = torch.tensor(earlier)
    earlier_views, camera = views[rows], views.cameras[target]
    stage = find_outpaint_mask(
        replace(earlier_views, depth=None, normals=None), camera, HullField.of(earlier_views), body
    )
    fast = simulate_outpaint_mask(prepared, earlier, target)
    for name, tolerance in (("silhouettes", 0.02), ("masks", 0.03), ("seen", 0.02)):
        differ = (getattr(stage, name) != getattr(fast, name)).float().mean()
        assert differ <= tolerance, (name, float(differ))
    both = (stage.seen * fast.seen) > 0
    assert both.sum() > 80
    color = (stage.images - fast.images).abs().amax(1, keepdim=True)[both]
    assert color.mean() < 0.004 and color.max() < 0.1
    assert (stage.depth - fast.depth).abs()[both].max() < 1e-3
    turned = (stage.normals * fast.normals).sum(1, keepdim=True)[both]
    assert turned.min() > 0.95 and turned.mean() > 0.999


def test_a_ball_is_seen_up_to_the_grazing_angle():
    views = around(BODIES["ball"])
    outpaint_mask = simulate_outpaint_mask(OrbitRenders.of(views), [0], 1, Errors(grow=0, whole=True))
    points = views.cameras[1].unproject(views.depth[1:2])
    toward = F.normalize(views.cameras.position[0] - points, dim=-1)
    angle = torch.rad2deg(torch.acos((toward * F.normalize(points, dim=-1)).sum(-1).clamp(-1, 1)))[:, None]
    on = views.depth[1:2] > 0
    assert outpaint_mask.seen[on & (angle < MAX_VIEW_ANGLE_DEG - 4)].mean() > 0.99
    assert not outpaint_mask.seen[on & (angle > MAX_VIEW_ANGLE_DEG + 2)].any()
    assert outpaint_mask.masks[on & (angle > MAX_VIEW_ANGLE_DEG + 2)].all()


def test_layers_keep_to_their_regions(prepared):
    outpaint_mask = simulate_outpaint_mask(prepared, [0, 1], 2)
    assert not (outpaint_mask.seen * outpaint_mask.masks).any()
    assert not ((outpaint_mask.seen + outpaint_mask.masks) * (1 - outpaint_mask.silhouettes)).any()
    unseen = (outpaint_mask.seen == 0).expand(-1, 3, -1, -1)
    assert not outpaint_mask.depth[outpaint_mask.seen == 0].any() and not outpaint_mask.normals[unseen].any()
    painted = outpaint_mask.masks.expand(-1, 3, -1, -1) > 0
    assert (outpaint_mask.images[painted] == UNKNOWN).all() and (outpaint_mask.images[unseen & ~painted] == 1).all()


def test_colours_come_from_the_earlier_views(views):
    """A target whose own picture is black changes nothing."""
    images = views.images.clone()
    images[3] = 0
    usual, blind = (
        simulate_outpaint_mask(OrbitRenders.of(v), [0, 1], 3) for v in (views, replace(views, images=images))
    )
    torch.testing.assert_close(usual.images, blind.images, rtol=0, atol=0)


def test_more_views_leave_less_open(prepared):
    counts = [float(simulate_outpaint_mask(prepared, list(range(n)), 7).masks.sum()) for n in (1, 3, 7)]
    assert counts[0] > counts[1] > counts[2]


def test_the_hull_is_never_smaller_than_the_object(views, prepared):
    for target in (1, 4, 7):
        outpaint_mask = simulate_outpaint_mask(prepared, [0], target)
        assert (outpaint_mask.silhouettes >= (views.depth[target] > 0).float()).all()
        assert outpaint_mask.silhouettes.sum() > 1.1 * (views.depth[target] > 0).sum()


class TestErrors:
    def test_none_is_the_default(self, prepared):
        layers = [
            simulate_outpaint_mask(prepared, [0], 1, Errors(), np.random.default_rng(seed)).images for seed in (0, 1)
        ]
        torch.testing.assert_close(*layers, rtol=0, atol=0)

    def test_they_are_seeded(self, prepared):
        errors = Errors(shift=0.01, depth=0.02, tilt=0.2, blur=0.5, holes=0.2)
        first, again, other = (
            simulate_outpaint_mask(prepared, [0], 1, errors, np.random.default_rng(s)) for s in (0, 0, 1)
        )
        for name in ("images", "masks", "depth", "normals"):
            assert torch.equal(getattr(first, name), getattr(again, name)), name
            assert not torch.equal(getattr(first, name), getattr(other, name)), name

    def test_depth_and_normals_are_off_by_about_as_much(self, prepared):
        true = simulate_outpaint_mask(prepared, [0], 1)
        wrong = simulate_outpaint_mask(prepared, [0], 1, Errors(depth=0.02, tilt=0.2), np.random.default_rng(3))
        both = (true.seen * wrong.seen) > 0
        assert 0.004 < (true.depth - wrong.depth)[both].std() < 0.02
        turned = (true.normals * wrong.normals).sum(1, keepdim=True)[both]
        assert 0.97 < turned.mean() < 0.999
        torch.testing.assert_close(wrong.normals.norm(dim=1, keepdim=True)[both], torch.ones(int(both.sum())))

    def test_shifted_colours_are_the_neighbours(self, prepared):
        true = simulate_outpaint_mask(prepared, [0], 1)
        wrong = simulate_outpaint_mask(prepared, [0], 1, Errors(shift=0.02), np.random.default_rng(4))
        both = ((true.seen * wrong.seen) > 0).expand(-1, 3, -1, -1)
        off = (true.images - wrong.images).abs()[both]
        assert 0.001 < off.mean() < 0.03

    def test_holes_are_painted(self, prepared):
        whole, holed = (
            simulate_outpaint_mask(prepared, [0, 1], 3),
            simulate_outpaint_mask(prepared, [0, 1], 3, Errors(holes=0.3), np.random.default_rng(0)),
        )
        lost = whole.seen * (1 - holed.seen)
        assert 0.15 < lost.sum() / whole.seen.sum() < 0.7 and (holed.masks[lost > 0] == 1).all()

    def test_margins_and_growth_widen_what_is_painted(self, prepared):
        def painted(**errors):
            return float(simulate_outpaint_mask(prepared, [0], 1, Errors(**errors)).masks.sum())

        assert painted(grow=0) < painted(grow=1) < painted(grow=2)
        assert painted(whole=True) < painted()

    def test_a_draw_is_in_range_and_at_times_true(self):
        rng = np.random.default_rng(0)
        drawn = [Errors.random(rng) for _ in range(200)]
        assert 20 < sum(e.shift == 0 for e in drawn) < 80
        assert max(e.shift for e in drawn) <= 0.01 and max(e.holes for e in drawn) <= 0.3
        assert {e.grow for e in drawn} == {0, 1, 2}


def test_draws_follow_the_schedule():
    rng = np.random.default_rng(0)
    drawn = [draw_earlier_and_target(rng, 8) for _ in range(700)]
    assert all(earlier == list(range(len(earlier))) and target not in earlier for earlier, target in drawn)
    counts = np.bincount([len(earlier) for earlier, _ in drawn], minlength=8)
    assert counts[0] == 0 and counts[1:].min() > 60
    assert 0.85 < np.mean([target == len(earlier) for earlier, target in drawn]) < 0.97
