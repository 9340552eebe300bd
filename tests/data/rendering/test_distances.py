import numpy as np
import pytest
import torch

from recon_lib.meshes.mesh import Mesh
from tests.helpers.shapes import ball, box, open_box

pytest.importorskip("igl")
from recon_lib.data.rendering.distances import (
    BALL,
    NEAR,
    distance_points,
    distance_row,
    farthest_points,
    signed_distances,
    surface_points,
)

HALF = (0.5, 0.4, 0.6)


def box_distance(points, half=HALF):
    beyond = np.abs(points.astype(np.float64)) - half
    return np.linalg.norm(np.maximum(beyond, 0), axis=-1) + np.minimum(beyond.max(-1), 0)


def test_distances_to_a_box():
    points = distance_points(box(HALF), 0, 2000)
    np.testing.assert_allclose(signed_distances(box(HALF), points), box_distance(points), atol=1e-5)


def test_where_bodies_overlap_they_are_one():
    twice = Mesh(torch.cat([box(HALF).vertices] * 2), torch.cat([box(HALF).faces, box(HALF).faces + 8]))
    points = distance_points(twice, 0, 500)
    np.testing.assert_allclose(signed_distances(twice, points), box_distance(points), atol=1e-5)


def test_an_open_box_is_solid_below_its_rim():
    points = np.random.default_rng(0).uniform(-0.3, 0.1, (200, 3))
    assert (signed_distances(open_box(HALF), points) < 0).all()


def test_the_points_lie_as_far_off_as_they_should():
    points = distance_points(ball(), 1, 20000)
    off = np.abs(np.linalg.norm(points.astype(np.float64), axis=-1) - 1)
    below = 0.0
    for share, std in NEAR:
        below += share
        assert (off < 3 * std).mean() > 0.9 * below
    assert np.linalg.norm(points, axis=-1).min() < 0.5 * BALL  # of the uniform ones
    np.testing.assert_array_equal(points, distance_points(ball(), 1, 20000))
    assert (points != distance_points(ball(), 2, 20000)).any()


class TestFarthestPoints:
    def test_on_a_line_they_halve_the_gaps(self):
        line = np.zeros((101, 3), np.float32)
        line[:, 0] = np.arange(101)
        assert farthest_points(line, 5)[:, 0].tolist()[:3] == [0, 100, 50]
        assert sorted(farthest_points(line, 5)[3:, 0]) == [25, 75]

    def test_on_a_ball_none_is_crowded(self):
        """256 points on a sphere cannot be further apart than 0.24 each; at random the closest pair is at 0.01."""
        points = surface_points(ball(), 0, 256).astype(np.float64)
        gaps = np.linalg.norm(points[:, None] - points[None], axis=-1) + 9 * np.eye(256)
        assert gaps.min() > 0.12 and np.abs(np.linalg.norm(points, axis=-1) - 1).max() < 0.01

    def test_the_first_are_spread_as_well(self):
        points = surface_points(ball(), 0, 256).astype(np.float64)[:32]
        gaps = np.linalg.norm(points[:, None] - points[None], axis=-1) + 9 * np.eye(32)
        assert gaps.min() > 0.35


def test_a_row_has_what_a_shard_stores():
    row = distance_row(box(HALF), 0, 100, 20)
    assert {name: (a.shape, a.dtype.name) for name, a in row.items()} == {
        "surface": ((20, 3), "float16"), "points": ((100, 3), "float16"), "distance": ((100,), "float16"),
    }  # fmt: skip
