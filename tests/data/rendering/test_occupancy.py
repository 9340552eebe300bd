from math import erf

import numpy as np
import pytest
import torch

from recon_lib.meshes.mesh import Mesh
from tests.helpers.shapes import box, open_box

pytest.importorskip("igl")
from recon_lib.data.rendering.occupancy import labelled_points

COUNT = 4096
HALF = (0.5, 0.4, 0.6)


def labels(mesh, seed=0):
    points, packed = labelled_points(mesh, COUNT, seed)
    assert points.shape == (COUNT, 3) and points.dtype == np.float16
    assert packed.shape == (COUNT // 8,) and packed.dtype == np.uint8
    return points.astype(np.float64), np.unpackbits(packed).astype(bool)


def depth_inside(points):
    """How far below the nearest of the box's planes, negative outside."""
    return (np.array(HALF) - np.abs(points)).min(1)


@pytest.mark.parametrize("lid", [True, False], ids=["closed", "without its lid"])
def test_a_box_whether_closed_or_open(lid):
    """Below the rim of an open box the lid fills less than half of the sky, so the winding number exceeds one half."""
    points, inside = labels(box(HALF) if lid else open_box(HALF))
    depth = depth_inside(points)
    clear = np.abs(depth) > (1e-3 if lid else 0.02)  # the winding number is approximated
    assert clear.mean() > 0.6 and 0.1 < inside.mean() < 0.7
    np.testing.assert_array_equal(inside[clear], depth[clear] > 0)


def test_bodies_that_overlap_are_one():
    one = box(HALF)
    both = Mesh(torch.cat([one.vertices, one.vertices * 0.7]), torch.cat([one.faces, one.faces + 8]))
    points, inside = labels(both)
    clear = np.abs(depth_inside(points)) > 1e-3
    np.testing.assert_array_equal(inside[clear], depth_inside(points)[clear] > 0)


def test_half_fill_the_ball_and_half_lie_near_the_surface():
    points, _ = labels(box((0.05, 0.05, 0.05)))
    radius = np.linalg.norm(points, axis=1)
    far = radius > 0.35  # only points of the ball get there
    assert far.sum() == pytest.approx(COUNT / 2 * (1 - (0.35 / 1.05) ** 3), rel=0.02)
    assert radius.max() <= 1.051
    assert np.median(radius[far]) == pytest.approx((0.5 * (1.05**3 + 0.35**3)) ** (1 / 3), abs=0.02)
    assert abs(far[: COUNT // 2].mean() - far.mean()) < 0.04  # the bank is shuffled


def test_near_points_are_a_hundredth_and_a_twentieth_off():
    points, _ = labels(box((0.001, 0.7, 0.7)))  # nearly a sheet: x is the distance
    x = np.abs(points[np.abs(points[:, 1:]).max(1) < 0.5, 0])
    sheet = COUNT / 2 * (0.5 / 0.7) ** 2  # half of all points, the inner part of the sheet
    ball = COUNT / 2 / (4 / 3 * np.pi * 1.05**3)  # per volume; one unit of area is looked at
    for within in (0.012, 0.03, 0.1):
        normal = [erf(within / deviation / 2**0.5) for deviation in (0.01, 0.05)]
        assert (x < within).sum() == pytest.approx(sheet * sum(normal) / 2 + ball * 2 * within, rel=0.1)


def test_the_seed_decides():
    first, again, other = (labelled_points(box(), COUNT, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
