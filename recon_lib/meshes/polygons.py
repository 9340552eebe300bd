"""Polygons of any number of corners, also concave ones, as triangles."""

import numpy as np


def triangulate(points: np.ndarray, corners: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Corners (positions in `corners`) of the triangles that fill polygons in space: [T,3] int64.

    points [N,3] float64, corners [C] indices into it, polygon after polygon, counts [P] corners of each. The winding
    is kept; polygons of fewer than three corners give nothing. A fan from the first corner is taken where it is
    right, ear clipping (Meisters, "Polygons have ears", 1975) elsewhere.
    """
    if (counts == 3).all():
        return np.arange(len(corners), dtype=np.int64).reshape(-1, 3)
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64)
    parts = []
    for size in np.unique(counts):
        if size < 3:
            continue
        chosen = starts[counts == size]
        places = chosen[:, None] + np.arange(size)  # [K,size]
        fans = np.stack([np.zeros(size - 2, np.int64), np.arange(1, size - 1), np.arange(2, size)], 1)
        triangles = places[:, fans]  # [K,size-2,3]
        if size > 3:
            for index in np.nonzero(~_fan_is_right(points[corners[places]], fans))[0]:
                triangles[index] = places[index][_ears(points[corners[places[index]]])]
        parts.append((chosen, triangles))
    if not parts:
        return np.zeros((0, 3), np.int64)
    order = np.argsort(np.concatenate([np.repeat(c, t.shape[1]) for c, t in parts]), kind="stable")
    return np.concatenate([t.reshape(-1, 3) for _, t in parts])[order]  # in the file's order


def _fan_is_right(polygons: np.ndarray, fans: np.ndarray) -> np.ndarray:
    """[K] bool of polygons [K,n,3]: no triangle of the fan is turned over."""
    a, b, c = (polygons[:, fans[:, k]] for k in range(3))
    crosses = np.cross(b - a, c - a)
    whole = crosses.sum(1, keepdims=True)  # twice the vector area (Newell)
    along = (crosses * whole).sum(-1)
    return (along >= -1e-12 * (whole**2).sum(-1)).all(1)


def _ears(polygon: np.ndarray) -> np.ndarray:
    """Triangles [n-2,3] of one polygon [n,3], on its own plane."""
    flat = _on_plane(polygon)
    left = list(range(len(flat)))
    triangles = []
    at = tried = 0
    while len(left) > 3:
        if tried > len(left):  # a whole round without an ear: straight corners are left, or it crosses itself
            ring = flat[left]
            at = int(np.abs(_turn(np.roll(ring, 1, 0).T, ring.T, np.roll(ring, -1, 0))).argmin())
        a, b, c = left[at - 1], left[at], left[(at + 1) % len(left)]
        if tried > len(left) or _is_ear(flat, a, b, c, left):
            triangles.append((a, b, c))
            left.pop(at)
            at, tried = (at - 1) % len(left), 0
        else:
            at, tried = (at + 1) % len(left), tried + 1
    return np.array([*triangles, tuple(left)])


def _is_ear(flat: np.ndarray, a: int, b: int, c: int, left: list[int]) -> bool:
    """The corner b is convex, and no other corner lies in the triangle a, b, c."""
    triangle = flat[[a, b, c]]
    if _turn(triangle[0], triangle[1], triangle[2]) <= 0:
        return False
    others = flat[left]
    others = others[~(others[:, None] == triangle).all(-1).any(1)]  # bridges to holes touch in equal points
    sides = [_turn(triangle[k], triangle[(k + 1) % 3], others) >= 0 for k in range(3)]
    return not (sides[0] & sides[1] & sides[2]).any()


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Twice the signed area of a [2], b [2] and c [...,2]; a and b may also be [2,n], one for each c."""
    return (b[0] - a[0]) * (c[..., 1] - a[1]) - (b[1] - a[1]) * (c[..., 0] - a[0])


def _on_plane(polygon: np.ndarray) -> np.ndarray:
    """[n,3] -> [n,2] along the axis of the vector area, counter-clockwise."""
    centred = polygon - polygon.mean(0)
    area = np.cross(centred, np.roll(centred, -1, 0)).sum(0)
    axis = int(np.abs(area).argmax())
    first, second = (axis + 1) % 3, (axis + 2) % 3
    return centred[:, [first, second]] if area[axis] >= 0 else centred[:, [second, first]]
