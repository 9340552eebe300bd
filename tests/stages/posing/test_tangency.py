import math
from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.stages.posing.increments import moved
from recon_lib.stages.posing.tangency import Outlines, linearised, residuals, touching, usable_pairs
from tests.helpers.posed import around, ellipsoid, posed, sphere

SIDE = 64


def disc(radius: float) -> torch.Tensor:
    """A mask [1,1,S,S] of a disc in the middle, by its share of each pixel as good as exact."""
    at = (torch.arange(SIDE * 16) + 0.5) / 16 - SIDE / 2
    inside = (at[:, None] ** 2 + at**2 < radius**2).float()
    return torch.nn.functional.avg_pool2d(inside[None, None], 16)


def test_outlines_lie_within_a_tenth_of_a_pixel():
    points = Outlines.of(disc(20.3)).points[0] * SIDE - SIDE / 2
    assert (points.norm(dim=-1) - 20.3).abs().max() < 0.1
    assert len(points) > 40


def test_shorter_outlines_are_padded_with_points_of_their_own():
    outlines = Outlines.of(torch.cat([disc(4.0), disc(20.0)]))
    radius = (outlines.points * SIDE - SIDE / 2).norm(dim=-1)
    assert ((radius[0] - 4).abs() < 0.2).all() and ((radius[1] - 20).abs() < 0.1).all()


def test_outlines_are_cut_where_they_reach_the_edge_of_the_picture():
    outlines = Outlines.of(torch.cat([disc(20.0), disc(33.0)]))
    assert not outlines.cut[0].any() and outlines.cut[1].any()
    at_edge = ((outlines.points[1] * SIDE - SIDE / 2).abs() > SIDE / 2 - 1.5).any(-1)
    assert torch.equal(outlines.cut[1], at_edge)


def test_cut_off_pictures_share_the_tangents_that_they_hold():
    """Of a ring around a tall ellipsoid, every second picture cuts its ends off."""
    far = around(8, SIDE)
    lens = far.intrinsics.clone()
    lens[::2, [0, 1], [0, 1]] *= 1.8
    cameras = replace(far, intrinsics=lens)
    outlines = Outlines.of(posed(ellipsoid((0.4, 0.4, 0.95)), cameras).masks)
    cut = outlines.cut.any(-1)
    assert 0 < cut.sum() < 8
    touch = touching(cameras, outlines, usable_pairs(cameras, outlines))
    of_cut = cut[touch.views].any(0)
    apart, _ = linearised(cameras, touch)
    assert of_cut.sum() >= 8 and apart.abs().max() < 0.5  # pixels


@pytest.fixture(scope="module")
def truth():
    views = posed(ellipsoid((0.7, 0.5, 0.45)), around(8, SIDE))
    return views, Outlines.of(views.masks)


def test_true_cameras_share_their_tangents(truth):
    views, outlines = truth
    pairs = usable_pairs(views.cameras, outlines)
    apart, _ = linearised(views.cameras, touching(views.cameras, outlines, pairs))
    assert pairs.shape[1] > 15 and float(apart.abs().mean()) < 0.1 and float(apart.abs().max()) < 0.3  # pixels


def test_tangents_of_spheres_in_closed_form():
    """Planes that touch a sphere of radius r at distance d from the baseline lie asin(r / d) off its middle."""
    cameras = Cameras.orbit([0.0, 90.0], 0.0, 3.0, 40.0, SIDE, SIDE)
    views = posed(sphere(0.5), cameras)
    outlines = Outlines.of(views.masks)
    touch = touching(cameras, outlines, torch.tensor([[0], [1]]))
    normal = torch.tensor([0.0, 1.0, 0.0])  # the baseline and the middle lie in the plane of the orbit
    for view, pixels in zip(touch.views, touch.pixels, strict=True):
        camera, pixel = cameras[int(view[0])], pixels.float()
        local = torch.cat([(pixel - SIDE / 2) / camera.intrinsics[0, 0, 0], torch.ones(2, 1)], 1)
        ray = local @ camera.rotation[0].T
        other = cameras[1 - int(view[0])].position - camera.position
        plane = torch.nn.functional.normalize(torch.linalg.cross(other.expand(2, 3), ray), dim=-1)
        angle = torch.acos((plane @ normal).abs())
        expected = math.asin(0.5 / (3 / math.sqrt(2)))
        assert angle.tolist() == pytest.approx([expected] * 2, abs=0.01)


def test_baselines_through_the_object_tell_nothing():
    """Cameras that face each other see each other's place behind the object."""
    cameras = Cameras.orbit([0.0, 180.0, 60.0], 0.0, 3.0, 40.0, SIDE, SIDE)
    outlines = Outlines.of(posed(sphere(0.5), cameras).masks)
    assert usable_pairs(cameras, outlines).T.tolist() == [[0, 2], [1, 2]]


def test_of_many_pairs_an_even_choice_is_used(monkeypatch, truth):
    from recon_lib.stages.posing import tangency

    views, outlines = truth
    every = usable_pairs(views.cameras, outlines)
    monkeypatch.setattr(tangency, "MOST_PAIRS", 5)
    some = usable_pairs(views.cameras, outlines)
    assert 3 <= some.shape[1] <= 5 and torch.equal(some, every[:, :: -(-every.shape[1] // 5)])


def test_the_slopes_are_those_of_the_differences(truth):
    views, outlines = truth
    start = moved(views.cameras, 0.02 * torch.randn(8, 7, generator=torch.Generator().manual_seed(0)))
    touch = touching(start, outlines, usable_pairs(start, outlines))
    here, slopes = linearised(start, touch)
    step = 1e-5 * torch.randn(8, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ahead = residuals(start, touch, step)
    torch.testing.assert_close(ahead - here, slopes @ step.flatten(), rtol=1e-3, atol=1e-7)
