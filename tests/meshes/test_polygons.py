"""Triangles fill polygons exactly: area, winding, and every corner used."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_lib.meshes.polygons import triangulate

CONCAVE = [[0, 2], [0, 0], [2, 0], [2, 2], [1, 0.5]]  # area 2.5; a fan from the first corner has 5.5


def filled(*polygons) -> tuple[np.ndarray, np.ndarray]:
    """Points and triangles of polygons [n,2 or 3]."""
    points = np.concatenate([np.pad(np.array(p, float), ((0, 0), (0, 3 - len(p[0])))) for p in polygons])
    counts = np.array([len(p) for p in polygons])
    return points, triangulate(points, np.arange(len(points)), counts)


def areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Signed, seen from +z."""
    a, b, c = points[triangles].transpose(1, 0, 2)
    return np.cross(b - a, c - a)[:, 2] / 2


def shoelace(polygon) -> float:
    x, y = np.array(polygon, float).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


STAR = [[np.cos(a) * r, np.sin(a) * r] for a, r in zip(np.arange(20) * np.pi / 10, [1, 0.2] * 10, strict=True)]
COMB = [[0, 0], [7, 0], [7, 5], [6, 5], [6, 1], [5, 1], [5, 5], [4, 5], [4, 1], [3, 1], [3, 5], [2, 5], [2, 1], [0, 1]]
SPIRAL = [
    [0, 0],
    [6, 0],
    [6, 6],
    [1, 6],
    [1, 2],
    [4, 2],
    [4, 4],
    [3, 4],
    [3, 3],
    [2, 3],
    [2, 5],
    [5, 5],
    [5, 1],
    [0, 1],
]
BRIDGED = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0], [1, 1], [1, 3], [3, 3], [3, 1], [1, 1]]  # a frame, cut at a corner
STRAIGHT = [[0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 2], [0, 2], [0, 1]]
DART = [[0, 0], [4, 2], [0, 4], [1, 2]]


@pytest.mark.parametrize("polygon", [CONCAVE, STAR, COMB, SPIRAL, BRIDGED, STRAIGHT, DART])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_area_and_winding(polygon, turned, start):
    polygon = polygon[start:] + polygon[:start]
    polygon = polygon[::-1] if turned else polygon
    points, triangles = filled(polygon)
    parts = areas(points, triangles)
    assert len(triangles) == len(polygon) - 2
    assert parts.sum() == pytest.approx(shoelace(polygon))
    assert np.abs(parts).sum() == pytest.approx(abs(shoelace(polygon)))  # nothing overlaps
    assert set(triangles.ravel()) == set(range(len(polygon)))


def test_polygons_keep_their_order():
    points, triangles = filled([[0, 0], [1, 0], [0, 1]], CONCAVE, [[5, 0], [6, 0], [6, 1], [5, 1]], [[9, 0], [9, 1]])
    assert [int(t.min()) for t in triangles] == sorted(int(t.min()) for t in triangles)
    assert areas(points, triangles).sum() == pytest.approx(0.5 + 2.5 + 1)
    assert triangles.max() < 12  # two corners are no polygon


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 40), st.integers(0, 2**32 - 1))
def test_any_polygon_around_a_point_on_any_plane(corners, seed):
    random = np.random.default_rng(seed)
    angle = np.sort(random.uniform(0, 2 * np.pi, corners))
    radius = random.uniform(0.1, 1, corners)
    if np.diff(angle, append=angle[0] + 2 * np.pi).max() > 3:
        return  # its centre may lie outside
    flat = np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    points = np.pad(flat, ((0, 0), (0, 1))) @ turn.T + 1e4
    triangles = triangulate(points, np.arange(corners), np.array([corners]))
    a, b, c = points[triangles].transpose(1, 0, 2)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 == pytest.approx(abs(shoelace(flat)), rel=1e-5)


def test_what_crosses_itself_or_has_no_area_ends():
    for polygon in ([[0, 0], [2, 2], [2, 0], [0, 2], [1, 3]], [[0, 0]] * 6, [[0, 0], [1, 0], [2, 0], [3, 0], [1, 0]]):
        assert filled(polygon)[1].shape == (len(polygon) - 2, 3)


def test_many_corners_end_soon():
    angle = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    radius = np.where(np.arange(2000) % 2, 1.0, 0.9)
    points, triangles = filled(np.stack([np.cos(angle) * radius, np.sin(angle) * radius], 1).tolist())
    assert np.abs(areas(points, triangles)).sum() == pytest.approx(abs(shoelace(points[:, :2])))
