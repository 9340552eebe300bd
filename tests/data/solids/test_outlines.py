"""Polygons: areas and points that closed forms give."""

import math

import pytest

from recon_lib.data.solids import outlines


def area(outline: outlines.Outline) -> float:
    pairs = zip(outline, (*outline[1:], outline[0]), strict=True)
    return abs(sum(a * d - b * c for (a, b), (c, d) in pairs)) / 2


def test_regular_polygon_has_its_area() -> None:
    assert area(outlines.regular(6, 2.0)) == pytest.approx(6 / 2 * 4 * math.sin(math.pi / 3))


def test_star_has_its_area() -> None:
    assert area(outlines.star(5, 1.0, 0.5)) == pytest.approx(5 * 1.0 * 0.5 * math.sin(math.pi / 5))


def test_rounded_rectangle_loses_its_corners() -> None:
    corners = (4 - math.pi) * 0.2**2
    assert area(outlines.rectangle(2, 1, 0.2, steps=64)) == pytest.approx(2 - corners, abs=1e-4)


def test_spline_passes_through_its_points() -> None:
    points = [(0.0, 0.0), (1.0, 0.5), (0.5, 1.0), (0.7, 2.0)]
    curve = outlines.spline(points, 5)
    assert [curve[i] for i in (0, 5, 10, 15)] == [pytest.approx(p) for p in points]
    assert len(outlines.spline(points, 5, closed=True)) == 20


def test_wall_of_a_cylinder_is_a_rectangle_of_its_thickness() -> None:
    outline = outlines.wall([(0.5, -1.0), (0.5, 1.0)], 0.1, 0.2)
    assert area(outline) == pytest.approx(0.5 * 0.2 + 0.1 * 1.8)


def test_wall_of_a_plate_keeps_its_thickness_across() -> None:
    outline = outlines.wall([(0.0, 0.0), (1.0, 0.1)], 0.05, 0.05)
    assert max(h for _, h in outline) == pytest.approx(0.1 + 0.05 / math.hypot(1, 0.1), abs=1e-6)


@pytest.mark.parametrize("name", sorted(outlines.LETTERS))
def test_letters_are_simple_polygons_in_their_box(name: str) -> None:
    outline = outlines.LETTERS[name]
    assert all(-1 <= u <= 1 and -1 <= v <= 1 for u, v in outline)
    assert 0.5 < area(outline) < 3.0
    assert len(set(outline)) == len(outline)
