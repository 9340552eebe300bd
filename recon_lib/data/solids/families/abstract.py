"""Shapes without a name: random Booleans, blends, twisted and tapered prisms, symmetric growths."""

import math

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Intersection, Shell, Union
from ..node import Node
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..profiles import Extrude, Lathe
from ..solid import Part, Solid
from ..space import Mirror, Placed, RadialArray, moved, rotation, turned
from ..warp import Bend, Bumpy, Taper, Twist
from .kit import block, profile, rod, solid


def abstract(dice: Dice) -> Solid:
    """A random kind of abstract solid."""
    kinds = (booleans, blob, prism, sculpture, assembly, ornament, shell, letter, gear, knot)
    return dice.weighted(kinds, (2, 1.5, 1.5, 1.5, 3, 1.5, 1, 0.7, 0.7, 0.6))(dice)


def primitive(dice: Dice, size: float) -> Node:
    """A random simple solid of about radius `size`, turned at random or not at all."""
    a, b, c = (size * dice.between(0.35, 1.0) for _ in range(3))
    kind = dice.pick(("box", "super", "cylinder", "cone", "torus", "lathe", "extrude", "ball"))
    node: Node = Ball(size * 0.8)
    if kind == "box":
        node = Box((a, b, c), dice.pick((0.0, 0.2 * min(a, b, c))))
    elif kind == "super":
        node = Superquadric((a, b, c), dice.between(0.2, 1.8), dice.between(0.2, 1.8))
    elif kind == "cylinder":
        node = Cylinder(a, b, dice.pick((0.0, 0.2 * min(a, b))))
    elif kind == "cone":
        node = Cone(a, a * dice.between(0.05, 0.8), b)
    elif kind == "torus":
        node = Torus(size * 0.7, size * dice.between(0.1, 0.28))
    elif kind == "lathe":
        node = Lathe(outlines.filled(profile(dice, -b, b, a * 0.7, 4)))
    elif kind == "extrude":
        node = Extrude(tuple((u * a, v * a) for u, v in polygon(dice)), c * 0.6, 0.03)
    return Placed(node, turn=rotation(*(dice.between(0, 360) for _ in range(3)))) if dice.chance(0.4) else node


def polygon(dice: Dice) -> outlines.Outline:
    """A random outline in the unit disc."""
    kind = dice.pick(("regular", "star", "wavy", "free", "letter", "heart"))
    if kind == "regular":
        return outlines.regular(dice.count(3, 8))
    if kind == "star":
        return outlines.star(dice.count(4, 8), 1.0, dice.between(0.4, 0.75))
    if kind == "wavy":
        return outlines.wavy(dice.count(2, 7), 0.8, dice.between(0.08, 0.2))
    if kind == "letter":
        return outlines.LETTERS[dice.pick(sorted(outlines.LETTERS))]
    if kind == "heart":
        return outlines.heart(0.9)
    corners = dice.count(4, 7)
    points = [(dice.between(0.35, 1.0), math.tau * (i + dice.between(-0.3, 0.3)) / corners) for i in range(corners)]
    return outlines.spline([(r * math.cos(t), r * math.sin(t)) for r, t in points], dice.pick((1, 5)), closed=True)


def booleans(dice: Dice) -> Solid:
    """A body with bits added and cut away."""
    parts = [Part(primitive(dice, 0.9))]
    for _ in range(dice.count(0, 2)):
        where = [dice.between(-0.6, 0.6) for _ in range(3)]
        parts.append(
            Part(moved(primitive(dice, dice.between(0.3, 0.7)), *where), dice.count(0, 2), dice.pick((0.0, 0.1)))
        )
    cuts = []
    for _ in range(dice.count(1, 3)):
        where = [dice.between(-1, 1) for _ in range(3)]
        scale = 0.6 / max(math.hypot(*where), 0.3)
        cuts.append(moved(primitive(dice, dice.between(0.2, 0.5)), *(w * scale for w in where)))
    return solid(*parts, carve=Union(tuple(cuts)))


def blob(dice: Dice) -> Solid:
    """Melted ellipsoids: stones, potatoes, clay."""
    parts = []
    for _ in range(dice.count(2, 6)):
        node = Superquadric(
            tuple(dice.between(0.25, 0.7) for _ in range(3)), dice.between(0.7, 1.2), dice.between(0.7, 1.2)
        )
        place = Placed(
            node, tuple(dice.between(-0.5, 0.5) for _ in range(3)), rotation(*(dice.between(0, 180) for _ in range(3)))
        )
        parts.append(Part(place, dice.weighted((0, 1), (4, 1)), dice.between(0.1, 0.4)))
    if dice.chance(0.4):
        parts = [Part(Bumpy(p.node, dice.between(0.01, 0.04), dice.between(5, 12)), p.material, p.blend) for p in parts]
    return solid(*parts)


def prism(dice: Dice) -> Solid:
    """An outline pushed up, then twisted, tapered or bent; on a base sometimes."""
    size, half = dice.between(0.3, 0.7), dice.between(0.4, 1.0)
    node: Node = turned(Extrude(tuple((u * size, v * size) for u, v in polygon(dice)), half, 0.02), x=90)
    radius = math.hypot(size, half) * 1.05
    kind = dice.weighted(("straight", "twist", "taper", "bend"), (1, 2, 2, 1))
    if kind == "twist":
        node = Twist(node, dice.between(-1.6, 1.6), radius)
    elif kind == "taper":
        node = Taper(node, dice.between(-0.6, 0.6), radius * 1.35)
    elif kind == "bend":
        node = Bend(node, dice.between(0.15, 0.5), radius * 1.2)
    parts = [Part(node)]
    if dice.chance(0.3):
        parts.append(Part(moved(block(dice, size * 1.1, 0.1, size * 1.1), y=-half), 1))
    return solid(*parts)


def sculpture(dice: Dice) -> Solid:
    """Rods, rings and balls along a random walk: abstract art, pipes, jewellery."""
    point, parts = (0.0, -0.7, 0.0), []
    radius = dice.between(0.06, 0.2)
    for i in range(dice.count(3, 7)):
        nearer = [c * 0.75 for c in point]
        target = tuple(n + dice.between(-0.55, 0.55) + (0.15 if k == 1 else 0.0) for k, n in enumerate(nearer))
        parts.append(Part(rod(point, target, radius), 0, dice.pick((0.0, 0.08))))
        if dice.chance(0.5):
            parts.append(Part(moved(primitive(dice, radius * dice.between(1.5, 3)), *target), 1 + i % 2))
        point = target
    if dice.chance(0.4):
        parts.append(Part(moved(Cylinder(0.5, 0.08, 0.03), y=-0.85), 3))
    return solid(*parts)


def assembly(dice: Dice) -> Solid:
    """Boxes, cylinders and others stuck to each other's sides, often mirror-symmetric: gadgets, machines."""
    half = [dice.between(0.2, 0.6) for _ in range(3)]
    parts = [Part(block(dice, *half))]
    symmetric = dice.chance(0.7)
    for _ in range(dice.count(2, 6)):
        axis, sign = dice.weighted((0, 1, 2), (2, 3, 2)), dice.pick((-1, 1))
        size = dice.between(0.1, 0.35)
        where = [dice.between(-0.8, 0.8) * h for h in half]
        where[axis] = sign * (half[axis] + size * dice.between(0.0, 0.35))
        node = moved(primitive(dice, size), *where)
        if symmetric and axis != 0 and dice.chance(0.5):
            node = moved(primitive(dice, size), 0.0, where[1], where[2])
        parts.append(Part(Mirror(node) if symmetric else node, dice.count(0, 3), dice.pick((0.0, 0.0, 0.06))))
    carve = None
    if dice.chance(0.4):
        cut = moved(primitive(dice, dice.between(0.15, 0.3)), z=half[2], y=dice.between(-0.5, 0.5) * half[1])
        carve = Mirror(cut) if symmetric else cut
    return solid(*parts, carve=carve)


def ornament(dice: Dice) -> Solid:
    """Rotational repetition: fans, flowers, crowns, wheels, chandeliers."""
    count, size = dice.count(3, 10), dice.between(0.15, 0.35)
    arm = Placed(
        primitive(dice, size), (dice.between(0.4, 0.7), dice.between(-0.2, 0.2), 0.0), rotation(dice.between(-40, 40))
    )
    parts = [Part(RadialArray(arm, count))]
    if dice.chance(0.8):
        parts.append(Part(RadialArray(rod((0, 0, 0), (0.7, 0, 0), dice.between(0.04, 0.1)), count), 1))
    parts.append(
        Part(Lathe(outlines.filled(profile(dice, -0.4, 0.5, 0.2, 5))), dice.count(0, 2), dice.pick((0.0, 0.08)))
    )
    if dice.chance(0.4):
        parts.append(Part(Torus(dice.between(0.6, 0.95), dice.between(0.05, 0.1)), 1))
    if dice.chance(0.3):
        parts = [Part(turned(p.node, x=90), p.material, p.blend) for p in parts]
    return solid(*parts)


def shell(dice: Dice) -> Solid:
    """A hollow body with windows: lanterns, baskets, helmets, speakers."""
    body = Superquadric(
        tuple(dice.between(0.6, 0.95) for _ in range(3)), dice.between(0.2, 1.2), dice.between(0.2, 1.2)
    )
    hollow: Node = Shell(body, dice.between(0.06, 0.12))
    if dice.chance(0.5):
        window = moved(primitive(dice, dice.between(0.2, 0.4)), x=0.75)
        hollow = Difference(hollow, RadialArray(window, dice.count(2, 6)))
    if dice.chance(0.7):
        hollow = Difference(hollow, moved(Box((2, 1, 2)), y=1 + dice.between(0.2, 0.6)))
    else:
        hollow = Difference(hollow, moved(Ball(dice.between(0.3, 0.6)), z=0.8))
    parts = [Part(hollow)]
    if dice.chance(0.3):
        parts.append(Part(moved(Superquadric((0.3, 0.4, 0.3)), y=-0.4), 1))
    return solid(*parts)


def letter(dice: Dice) -> Solid:
    """One or two letters, or signs, standing or on a plinth."""
    names = sorted(outlines.LETTERS)
    parts = []
    count = dice.pick((1, 1, 2))
    for i in range(count):
        shape = Extrude(outlines.LETTERS[dice.pick(names)], dice.between(0.12, 0.4), dice.pick((0.0, 0.04)))
        parts.append(Part(Placed(shape, ((i - (count - 1) / 2) * 1.2, 0.0, 0.0), scale=0.75), i))
    if dice.chance(0.3):
        parts.append(Part(moved(Box((0.6 * count, 0.08, 0.4), 0.02), y=-0.82), 2))
    return solid(*parts)


def gear(dice: Dice) -> Solid:
    """Gear, nut, pulley, with a bore."""
    half = dice.between(0.1, 0.35)
    outline = dice.pick(
        (
            outlines.gear(dice.count(8, 16), 0.95, 0.75),
            outlines.regular(6, 0.9),
            outlines.wavy(dice.count(8, 16), 0.85, 0.06),
        )
    )
    body: Node = Difference(Extrude(outline, half, 0.02), turned(Cylinder(dice.between(0.15, 0.45), 1.0), x=90))
    if dice.chance(0.4):
        holes = turned(RadialArray(moved(Cylinder(0.12, 1.0), x=0.55), dice.count(3, 6)), x=90)
        body = Difference(body, holes)
    parts = [Part(body)]
    if dice.chance(0.4):
        parts.append(Part(turned(Cylinder(0.2, half * dice.between(1.5, 4)), x=90), 1))
    return solid(*parts) if dice.chance(0.5) else solid(*(Part(turned(p.node, x=90), p.material) for p in parts))


def knot(dice: Dice) -> Solid:
    """Torus knot, spring or coil."""
    steps, radius = 40, dice.between(0.07, 0.14)
    p, q = dice.pick(((2, 3), (1, 3), (2, 1), (1, 2)))
    points = []
    if dice.chance(0.5):
        for i in range(steps + 1):
            t = math.tau * i / steps
            r = 0.6 + 0.25 * math.cos(q * t)
            points.append((r * math.cos(p * t), 0.25 * math.sin(q * t), r * math.sin(p * t)))
    else:
        turns = dice.between(2, 4)
        points = [
            (
                0.5 * math.cos(turns * math.tau * i / steps),
                1.6 * i / steps - 0.8,
                0.5 * math.sin(turns * math.tau * i / steps),
            )
            for i in range(steps + 1)
        ]
    return solid(Part(Intersection((Tube(tuple(points), (radius,) * len(points)), Ball(1.5)))))
