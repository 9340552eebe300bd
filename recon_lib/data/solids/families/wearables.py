"""Things to wear and carry: shoes, hats, bags, helmets, glasses, watches."""

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Intersection, Shell, Union
from ..node import Node
from ..primitives import Ball, Box, Cylinder, Superquadric, Torus, Tube
from ..profiles import Extrude
from ..solid import Part, Solid
from ..space import LinearArray, Mirror, Placed, moved, rotation, turned
from ..warp import Bumpy
from .kit import arc, rod, solid


def wearable(dice: Dice) -> Solid:
    """A random wearable."""
    return dice.weighted((shoe, hat, bag, backpack, glasses, watch, glove), (4, 1, 2, 1, 0.6, 0.7, 0.6))(dice)


def _sole(dice: Dice, wide: float, long: float) -> outlines.Outline:
    """Outline of a foot's sole, toe at +y."""
    waist = dice.between(0.65, 0.85)
    points = [
        (wide, long * 0.45),
        (wide * 0.6, long * 0.92),
        (0, long),
        (-wide * 0.75, long * 0.8),
        (-wide * 0.95, long * 0.4),
    ]
    points += [
        (-wide * waist, -long * 0.2),
        (-wide * 0.75, -long * 0.8),
        (0, -long),
        (wide * 0.75, -long * 0.8),
        (wide * waist, -long * 0.15),
    ]
    return outlines.spline(points, 4, closed=True)


def shoe(dice: Dice) -> Solid:
    """Trainer, boot, slipper, heel: a sole, a vamp, an opening, laces."""
    wide, long, thick = dice.between(0.27, 0.36), 0.9, dice.between(0.06, 0.13)
    sole = turned(Extrude(_sole(dice, wide, long), thick, 0.04), x=90)
    toe = moved(Superquadric((wide * 0.95, dice.between(0.2, 0.32), 0.5), 0.9, 0.9), y=thick, z=0.38)
    high = dice.weighted((dice.between(0.3, 0.45), dice.between(0.55, 1.1)), (3, 1))
    heel = moved(Superquadric((wide * 0.85, high, 0.42), 0.8, dice.between(0.35, 0.7)), y=thick, z=-0.42)
    bridge = Tube(((0, thick + 0.12, 0.4), (0, high * 0.75, -0.25)), (wide * 0.7, wide * 0.6))
    upper: Node = Union((toe, heel, bridge), 0.18)
    upper = Intersection((upper, moved(Box((2, 1, 2)), y=1.0)), 0.03)
    opening = moved(Superquadric((wide * 0.6, 0.45, 0.36), 0.9, 0.7), y=high + 0.08, z=-0.42)
    upper = Difference(upper, opening, 0.05)
    parts = [Part(upper), Part(sole, 1)]
    if dice.chance(0.6):
        parts.append(Part(Union(tuple(_lace(wide, thick + 0.12, high * 0.75, t) for t in (0.28, 0.46, 0.64))), 2))
    if dice.chance(0.5):
        stripe = Box((wide * 1.05, 0.1, dice.between(0.05, 0.2)), 0.03)
        parts.append(
            Part(
                Intersection(
                    (
                        Placed(stripe, (0, 0.22, dice.between(-0.2, 0.1)), rotation(x=dice.between(-40, 40))),
                        moved(Superquadric((wide * 1.0, 0.6, 0.9)), y=0.05),
                    )
                ),
                3,
            )
        )
    if dice.chance(0.15):
        parts.append(Part(moved(Box((wide * 0.6, dice.between(0.1, 0.3), 0.2), 0.04), y=-0.2, z=-0.65), 1))
    parts = [Part(moved(p.node, y=0.0), p.material) for p in parts]
    if dice.chance(0.15):
        parts = [Part(Mirror(moved(p.node, x=wide * 1.15)), p.material) for p in parts]  # a pair
    return solid(*parts)


def _lace(wide: float, low: float, high: float, t: float) -> Node:
    """A lace over the shoe's bridge, which runs from height `low` (t = 0) back to `high` (t = 1)."""
    z, y, radius = 0.4 - 0.65 * t, low + (high - low) * t, wide * (0.7 - 0.1 * t)
    side = 0.6 * radius
    return Tube(((-side, y + 0.8 * radius, z), (0, y + radius, z), (side, y + 0.8 * radius, z)), (0.03,) * 3)


def hat(dice: Dice) -> Solid:
    """Hat, cap, helmet, bowl turned over."""
    wide, high = dice.between(0.4, 0.55), dice.between(0.3, 0.6)
    crown: Node = Superquadric((wide, high, wide * dice.between(1.0, 1.2)), 1.0, dice.between(0.3, 1.0))
    crown = Difference(Shell(crown, 0.06), moved(Box((2, 1, 2)), y=-1.0))
    parts = [Part(crown)]
    kind = dice.pick(("brim", "cap", "helmet", "cowboy"))
    if kind == "brim":
        brim = Difference(Cylinder(wide * dice.between(1.4, 1.9), 0.03, 0.02), Cylinder(wide * 0.92, 1))
        parts += [Part(brim), Part(moved(Difference(Cylinder(wide * 1.03, 0.07), Cylinder(wide * 0.9, 1)), y=0.08), 1)]
    elif kind == "cap":
        visor = Intersection((Superquadric((wide * 0.95, 0.04, 0.55)), moved(Box((1, 1, 1)), z=1.0)))
        parts += [Part(moved(turned(visor, x=10), z=wide * 0.85), 1), Part(moved(Ball(0.05), y=high), 1)]
    elif kind == "helmet":
        parts.append(Part(Mirror(rod((wide * 0.95, 0.05, 0), (wide * 0.6, -0.4, 0.1), 0.03)), 1))
        parts.append(Part(moved(Box((0.06, 0.06, wide * 0.9), 0.03), y=high * 0.97), 2))
    else:
        wings = Mirror(Tube(((wide * 0.95, 0, 0), (wide * 1.35, 0.02, 0), (wide * 1.65, 0.22, 0)), (0.1, 0.08, 0.04)))
        brim = Difference(Superquadric((wide * 1.55, 0.04, wide * 1.5)), Cylinder(wide * 0.92, 1))
        parts += [Part(brim, 0, 0.03), Part(wings, 0, 0.1)]
    return solid(*parts)


def bag(dice: Dice) -> Solid:
    """Handbag, shopping bag, suitcase, purse, lunch bag."""
    a, b, c = dice.between(0.4, 0.85), dice.between(0.35, 0.7), dice.between(0.15, 0.35)
    soft = dice.chance(0.6)
    body: Node = (
        Superquadric((a, b, c), dice.between(0.3, 0.8), dice.between(0.3, 0.7))
        if soft
        else Box((a, b, c), dice.between(0.02, 0.12))
    )
    if dice.chance(0.3):
        body = Difference(body, moved(Box((a - 0.07, b, c - 0.07), 0.03), y=b * 0.6))
    parts = [Part(Bumpy(body, 0.012, dice.between(6, 12)) if soft else body)]
    points = arc(a * dice.between(0.3, 0.7), dice.between(0.2, 0.6), 0, 180, 8)
    strap = Tube(tuple(points), (dice.between(0.035, 0.06),) * len(points))
    if dice.chance(0.5):
        parts.append(Part(Mirror(moved(strap, y=b * 0.92, z=c * 0.6), "z"), 1))
    else:
        parts.append(Part(moved(strap, y=b * 0.92), 1))
    if dice.chance(0.5):
        parts.append(Part(moved(Box((a * 0.95, b * 0.3, 0.04), 0.03), y=b * 0.5, z=c), dice.count(0, 2)))
        parts.append(Part(moved(Ball(0.07), y=b * 0.25, z=c + 0.03), 3))
    if dice.chance(0.35):
        parts.append(Part(moved(Box((a * 0.6, b * 0.35, 0.05), 0.03), y=-b * 0.4, z=c), 2))
    if dice.chance(0.25):
        parts.append(Part(Mirror(moved(turned(Cylinder(0.09, 0.05), z=90), a * 0.7, -b - 0.04, 0)), 3))
    return solid(*parts)


def backpack(dice: Dice) -> Solid:
    """Backpack with pockets and straps."""
    a, b, c = dice.between(0.4, 0.55), dice.between(0.6, 0.75), dice.between(0.2, 0.3)
    parts = [Part(Superquadric((a, b, c), 0.5, 0.5))]
    parts.append(
        Part(moved(Superquadric((a * 0.75, b * 0.35, 0.13), 0.4, 0.4), y=-b * 0.4, z=c), dice.count(0, 1), 0.02)
    )
    if dice.chance(0.6):
        parts.append(Part(Mirror(moved(Superquadric((0.1, b * 0.3, c * 0.7), 0.5, 0.5), a, -b * 0.45)), 1, 0.02))
    strap = Tube(
        ((0.2, b * 0.9, -c), (0.25, b * 0.6, -c - 0.22), (0.28, -b * 0.3, -c - 0.15), (0.3, -b * 0.8, -c * 0.8)),
        (0.06,) * 4,
    )
    parts.append(Part(Mirror(strap), 2))
    parts.append(Part(moved(turned(Torus(0.13, 0.035), x=90), y=b + 0.05, z=-c * 0.5), 2))
    if dice.chance(0.5):
        parts.append(Part(moved(Box((a * 0.8, 0.025, 0.03)), y=b * 0.25, z=c * 0.98), 3))
    return solid(*parts)


def glasses(dice: Dice) -> Solid:
    """Spectacles, goggles, binoculars-like pairs of rings."""
    size, apart = dice.between(0.25, 0.35), dice.between(0.34, 0.42)
    ring = turned(Torus(size, dice.between(0.035, 0.06)), x=90)
    lens = turned(Cylinder(size, 0.022), x=90)
    temple = Tube(((apart + size, 0.1, 0), (apart + size, 0.1, -0.9), (apart + size, -0.1, -1.1)), (0.04, 0.035, 0.04))
    bridge = Tube(((-0.1, 0.05, 0), (0, 0.1, 0.02), (0.1, 0.05, 0)), (0.04,) * 3)
    parts = [Part(Mirror(moved(ring, x=apart))), Part(Mirror(temple), dice.count(0, 1)), Part(bridge)]
    if dice.chance(0.8):
        parts.append(Part(Mirror(moved(lens, x=apart)), 2))
    return solid(*parts)


def watch(dice: Dice) -> Solid:
    """Wrist watch, bracelet, belt, ring with a stone."""
    radius, band = dice.between(0.55, 0.75), dice.between(0.1, 0.3)
    strap = Difference(Cylinder(radius, band, 0.02), Cylinder(radius - 0.07, 1))
    case = turned(Cylinder(dice.between(0.25, 0.38), 0.09, 0.03), x=90)
    face = turned(Cylinder(0.22, 0.02), x=90)
    parts = [Part(strap), Part(moved(case, z=radius), 1), Part(moved(face, z=radius + 0.09), 2)]
    if dice.chance(0.3):
        parts = [Part(Torus(radius, 0.08)), Part(moved(Superquadric((0.25, 0.25, 0.25), 1.5, 1.5), z=radius + 0.2), 1)]
    turn = dice.pick((0, 90, 90))
    return solid(*(Part(turned(p.node, z=turn), p.material) for p in parts))


def glove(dice: Dice) -> Solid:
    """Hand, glove, mitten, sock."""
    parts = [Part(Superquadric((0.32, 0.38, 0.14), 0.6, 0.6))]
    if dice.chance(0.7):
        finger = rod((0, 0.25, 0), (0, dice.between(0.65, 0.85), dice.between(0, 0.15)), 0.085)
        parts.append(Part(LinearArray(finger, 4, 0.18), 0, 0.04))
    else:
        parts.append(Part(moved(Superquadric((0.32, 0.4, 0.15)), y=0.35), 0, 0.1))
    parts.append(Part(Tube(((0.2, -0.2, 0), (0.42, 0.05, 0.05), (0.48, 0.3, 0.08)), (0.12, 0.1, 0.085)), 0, 0.06))
    parts.append(Part(moved(Superquadric((0.25, 0.22, 0.16), 0.8, 0.2), y=-0.5), 1))
    if dice.chance(0.5):
        parts.append(Part(moved(Superquadric((0.28, 0.08, 0.19), 0.8, 0.3), y=-0.68), 2))
    return solid(*parts)
