"""What several families share: legs, handles, knobs, rods, rounded shapes."""

import math

from ...dice import Dice
from .. import outlines
from ..combine import Difference
from ..node import Node
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube, capsule
from ..profiles import Extrude, Lathe
from ..solid import Part, Solid
from ..space import Mirror, Placed, moved, rotation, turned

Vector = tuple[float, float, float]


def solid(*parts: Part, carve: Node | None = None) -> Solid:
    """A solid in its design frame, colours to be chosen later."""
    return Solid(tuple(parts), (), carve)


def block(dice: Dice, a: float, b: float, c: float) -> Node:
    """A body of half sizes a, b, c: sharp or rounded box, superquadric, cylinder-like."""
    kind = dice.weighted(("sharp", "round", "super", "tube"), (2, 4, 2, 1))
    if kind == "super":
        return Superquadric((a, b, c), dice.between(0.15, 0.7), dice.between(0.15, 0.7))
    if kind == "tube":
        return Superquadric((a, b, c), 1.0, dice.between(0.05, 0.2))
    return Box((a, b, c), 0.0 if kind == "sharp" else dice.between(0.1, 0.9) * min(a, b, c))


def leg(dice: Dice, height: float, thick: float) -> Node:
    """One leg from y = 0 down to -height: square, round, tapered, turned or with a foot."""
    kind = dice.pick(("square", "round", "taper", "turned", "foot"))
    middle = -height / 2
    if kind == "square":
        return moved(Box((thick, height / 2, thick), dice.between(0, 0.3) * thick), y=middle)
    if kind == "round":
        return moved(Cylinder(thick, height / 2), y=middle)
    if kind == "taper":
        return moved(Cone(thick * dice.between(0.5, 0.8), thick * 1.2, height / 2), y=middle)
    if kind == "turned":
        knots = [(thick * dice.between(0.55, 1.35), -height * (1 - i / 6)) for i in range(7)]
        return Lathe(outlines.filled(outlines.spline(knots, 4)))
    return Tube(((0, 0, 0), (0, -height * 0.9, 0), (0, -height, thick)), (thick, thick * 0.8, thick * 1.1))


def four_legs(dice: Dice, wide: float, deep: float, height: float, thick: float, splay: float = 0.0) -> Node:
    """Legs under the corners of a seat or top whose underside is y = 0."""
    one = Placed(leg(dice, height, thick), (wide, 0.0, deep), rotation(x=-splay, z=splay))
    return Mirror(one, "xz")


def arc(radius_x: float, radius_y: float, start: float, stop: float, steps: int = 8) -> list[Vector]:
    """Points of an elliptic arc in the xy plane, degrees."""
    angles = [math.radians(start + (stop - start) * i / steps) for i in range(steps + 1)]
    return [(radius_x * math.cos(a), radius_y * math.sin(a), 0.0) for a in angles]


def ear_handle(dice: Dice, attach: float, low: float, high: float, thick: float) -> Node:
    """A cup's handle at +x, from height `low` to `high`; `attach` is the wall's radius there."""
    out, middle, half = dice.between(0.35, 0.65) * (high - low), (low + high) / 2, (high - low) / 2
    if dice.chance(0.25):  # angular
        points = [(0, half, 0), (out, half, 0), (out, -half, 0), (0, -half, 0)]
    else:
        points = arc(out, half, 90, -90)
    tube = Tube(tuple(points), (thick,) * len(points))
    return moved(tube, x=attach - thick * 0.3, y=middle)


def bail(dice: Dice, radius: float, height: float, thick: float) -> Node:
    """A basket's or bucket's handle over the top, from (-radius, 0) to (radius, 0)."""
    points = arc(radius, height, 0, 180, 12)
    return turned(Tube(tuple(points), (thick,) * len(points)), x=dice.pick((0, 0, dice.between(-70, 70))))


def knob(dice: Dice, size: float) -> Node:
    """A small grip that rises along y from y = 0."""
    kind = dice.pick(("ball", "disc", "cone", "bar"))
    if kind == "ball":
        return moved(Ball(size), y=size * 0.8)
    if kind == "disc":
        return moved(Cylinder(size, size * 0.4, size * 0.15), y=size * 0.4)
    if kind == "cone":
        return moved(Cone(size * 0.6, size, size * 0.6, size * 0.1), y=size * 0.6)
    return moved(Box((size * 1.6, size * 0.4, size * 0.4), size * 0.2), y=size * 0.4)


def profile(dice: Dice, low: float, high: float, mean: float, knots: int = 5, swing: float = 1.8) -> list:
    """A smooth random outer profile (radius, height) from low to high, radii around `mean`."""
    points = [(dice.spread(mean, swing), low + (high - low) * i / (knots - 1)) for i in range(knots)]
    curve = outlines.spline(points, 4)
    return [(max(r, mean * 0.3), h) for r, h in curve]


def with_inset(dice: Dice, body: Node, half: Vector, depth: float) -> Node:
    """`body` with a rectangular recess in its front (+z) face, `half` its half sizes."""
    width, height = half[0] * dice.between(0.5, 0.85), half[1] * dice.between(0.4, 0.85)
    offset = moved(Box((width, height, depth), min(width, height) * dice.pick((0.0, 0.2))), z=half[2])
    return Difference(body, offset)


def rod(a: Vector, b: Vector, radius: float) -> Node:
    """Round-ended rod."""
    return capsule(a, b, radius)


def plate(outline: outlines.Outline, thick: float, round_: float = 0.0) -> Node:
    """The outline lying flat: its y becomes -z, thickness along y."""
    return turned(Extrude(outline, thick / 2, round_), x=-90)


def wheel(dice: Dice, radius: float, width: float) -> Node:
    """A wheel with its axle along x: tyre, or disc with hub."""
    if dice.chance(0.5):
        node = Cylinder(radius, width / 2, width * 0.25)
        if dice.chance(0.5):
            node = Difference(node, moved(Mirror(moved(Cylinder(radius * 0.6, width * 0.2), y=width * 0.55), "y")))
    else:
        groove = Mirror(moved(Torus(radius * 0.55, min(radius * 0.12, width * 0.3)), y=width / 2), "y")
        node = Difference(Cylinder(radius, width / 2, width * 0.3), groove)
    return turned(node, z=90)
