"""Closed polygons for `Lathe` and `Extrude`: regular, stars, splines, letters."""

import math
from collections.abc import Sequence

from .profiles import Outline


def regular(corners: int, radius: float = 1.0, start: float = 90.0) -> Outline:
    """Regular polygon, first corner at `start` degrees."""
    return tuple(_polar(start + 360 * i / corners, radius) for i in range(corners))


def star(points: int, outer: float, inner: float, start: float = 90.0) -> Outline:
    """Star with `points` tips."""
    return tuple(_polar(start + 180 * i / points, inner if i % 2 else outer) for i in range(2 * points))


def gear(teeth: int, outer: float, inner: float) -> Outline:
    """Wheel with trapezoid teeth."""
    step = 360 / teeth
    shape = ((-0.32, inner), (-0.18, outer), (0.18, outer), (0.32, inner))
    return tuple(_polar(step * (i + at), radius) for i in range(teeth) for at, radius in shape)


def rectangle(width: float, height: float, corner: float = 0.0, steps: int = 4) -> Outline:
    """Rectangle of full size width x height, corners rounded by `corner`."""
    a, b = width / 2 - corner, height / 2 - corner
    if corner <= 0:
        return ((a, b), (-a, b), (-a, -b), (a, -b))
    return tuple(
        (sx * a + corner * math.cos(t), sy * b + corner * math.sin(t))
        for quarter, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1)))
        for t in (math.pi / 2 * (quarter + i / steps) for i in range(steps + 1))
    )


def wavy(lobes: int, radius: float, depth: float, steps: int = 36) -> Outline:
    """Flower-like closed curve r = radius + depth cos(lobes t)."""
    return tuple(_polar(360 * i / steps, radius + depth * math.cos(lobes * math.tau * i / steps)) for i in range(steps))


def heart(size: float, steps: int = 28) -> Outline:
    """Heart of about the given half width."""
    ts = [math.tau * i / steps for i in range(steps)]
    return tuple(
        (
            size * math.sin(t) ** 3,
            size / 16 * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)),
        )
        for t in ts
    )


def spline(points: Sequence[tuple[float, float]], steps: int = 6, closed: bool = False) -> Outline:
    """Catmull-Rom curve through `points`, `steps` pieces between neighbours."""
    count = len(points)
    spans = count if closed else count - 1
    curve = []
    for i in range(spans):
        around = [points[j % count] if closed else points[min(max(j, 0), count - 1)] for j in range(i - 1, i + 3)]
        curve += [_catmull(around, k / steps) for k in range(steps)]
    return tuple(curve) if closed else (*curve, tuple(points[-1]))


def wall(outer: Sequence[tuple[float, float]], thickness: float, floor: float) -> Outline:
    """Half profile of an open vessel: up the `outer` curve (radius, height), down its inner offset to the floor."""
    bottom = outer[0][1] + floor
    inner = []
    for before, (r, h), after in zip((outer[0], *outer), outer, (*outer[1:], outer[-1]), strict=False):
        along_r, along_h = after[0] - before[0], after[1] - before[1]
        scale = thickness / max(math.hypot(along_r, along_h), 1e-9)
        point = max(r - along_h * scale, 0.0), max(h + along_r * scale, bottom)
        if not inner or point != inner[-1]:
            inner.append(point)
    return ((0.0, outer[0][1]), *outer, *reversed(inner), (0.0, bottom))


def filled(outer: Sequence[tuple[float, float]]) -> Outline:
    """Half profile of a massive turned body."""
    return ((0.0, outer[0][1]), *outer, (0.0, outer[-1][1]))


LETTERS: dict[str, Outline] = {  # in a box of about -1..1, strokes about 0.4 wide
    "L": ((-0.6, 1), (-0.2, 1), (-0.2, -0.6), (0.6, -0.6), (0.6, -1), (-0.6, -1)),
    "T": ((-0.7, 1), (0.7, 1), (0.7, 0.6), (0.2, 0.6), (0.2, -1), (-0.2, -1), (-0.2, 0.6), (-0.7, 0.6)),
    "U": ((-0.7, 1), (-0.3, 1), (-0.3, -0.6), (0.3, -0.6), (0.3, 1), (0.7, 1), (0.7, -1), (-0.7, -1)),
    "H": (
        *((-0.7, 1), (-0.3, 1), (-0.3, 0.2), (0.3, 0.2), (0.3, 1), (0.7, 1)),
        *((0.7, -1), (0.3, -1), (0.3, -0.2), (-0.3, -0.2), (-0.3, -1), (-0.7, -1)),
    ),
    "E": (
        *((-0.6, 1), (0.6, 1), (0.6, 0.65), (-0.2, 0.65), (-0.2, 0.2), (0.4, 0.2)),
        *((0.4, -0.15), (-0.2, -0.15), (-0.2, -0.65), (0.6, -0.65), (0.6, -1), (-0.6, -1)),
    ),
    "Z": (
        *((-0.7, 1), (0.7, 1), (0.7, 0.6), (-0.1, -0.6), (0.7, -0.6)),
        *((0.7, -1), (-0.7, -1), (-0.7, -0.6), (0.1, 0.6), (-0.7, 0.6)),
    ),
    "X": (
        *((-0.7, 1), (-0.25, 1), (0, 0.45), (0.25, 1), (0.7, 1), (0.25, 0)),
        *((0.7, -1), (0.25, -1), (0, -0.45), (-0.25, -1), (-0.7, -1), (-0.25, 0)),
    ),
    "V": ((-0.75, 1), (-0.3, 1), (0, -0.3), (0.3, 1), (0.75, 1), (0.2, -1), (-0.2, -1)),
    "+": (
        *((-0.3, 1), (0.3, 1), (0.3, 0.3), (1, 0.3), (1, -0.3), (0.3, -0.3)),
        *((0.3, -1), (-0.3, -1), (-0.3, -0.3), (-1, -0.3), (-1, 0.3), (-0.3, 0.3)),
    ),
    ">": ((-0.4, 1), (0.1, 1), (0.7, 0), (0.1, -1), (-0.4, -1), (0.2, 0)),
}


def _polar(degrees: float, radius: float) -> tuple[float, float]:
    return radius * math.cos(math.radians(degrees)), radius * math.sin(math.radians(degrees))


def _catmull(p: Sequence[tuple[float, float]], t: float) -> tuple[float, float]:
    return tuple(
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(*p, strict=True)
    )
