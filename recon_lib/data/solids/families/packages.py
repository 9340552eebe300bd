"""Things from a shop's shelf: boxes, cartons, tins, tubes, pouches, books, stacks."""

from ...dice import Dice
from .. import outlines
from ..combine import Intersection, Union
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus
from ..profiles import Extrude
from ..solid import Part, Solid
from ..space import Placed, moved, rotation, turned
from ..warp import Bend, Bumpy, Taper
from .kit import knob, plate, rod, solid


def package(dice: Dice) -> Solid:
    """A random kind of package."""
    kinds = (box, carton, tin, tube, pouch, book, stack, blocks)
    return dice.weighted(kinds, (3, 1, 1.5, 1, 2, 1.2, 1, 1))(dice)


def box(dice: Dice) -> Solid:
    """Cuboid of any proportions, perhaps with a lid, a tape, a label, feet."""
    a, b, c = dice.between(0.3, 1.0), dice.between(0.12, 1.0), dice.between(0.08, 0.7)
    corner = dice.weighted((0.0, dice.between(0.01, 0.06), dice.between(0.05, 0.25)), (3, 2, 1))
    parts = [Part(Box((a, b, c), corner))]
    if dice.chance(0.4):
        parts.append(
            Part(
                moved(
                    Box((a * dice.between(0.3, 0.9), b * dice.between(0.2, 0.85), 0.02)),
                    y=dice.between(-0.1, 0.1) * b,
                    z=c,
                ),
                1,
            )
        )
    if dice.chance(0.25):
        lid = dice.between(0.06, 0.3) * b
        parts.append(Part(moved(Box((a * 1.03, lid, c * 1.03 + 0.01), corner), y=b - lid * 0.8), 2))
    if dice.chance(0.15):
        parts.append(Part(Box((0.08, b + 0.015, c + 0.015)), 3))
        parts.append(Part(Box((a + 0.015, b + 0.015, 0.08)), 3))
    if dice.chance(0.1):
        parts.append(Part(moved(knob(dice, 0.1), y=b), 3))
    return _tilted(dice, solid(*parts))


def carton(dice: Dice) -> Solid:
    """Milk or juice carton: gable top, cap."""
    a, b, c = dice.between(0.3, 0.45), dice.between(0.5, 0.9), dice.between(0.28, 0.42)
    slope = dice.between(0.2, 0.4)
    gable = ((-c, -b), (c, -b), (c, b), (0.02, b + slope), (-0.02, b + slope), (-c, b))
    body = turned(Extrude(gable, a), y=90)
    parts = [Part(body), Part(moved(Box((a, 0.07, 0.025)), y=b + slope + 0.05), dice.count(0, 1))]
    if dice.chance(0.6):
        cap = turned(Cylinder(0.1, 0.07, 0.01), x=55)
        parts.append(Part(moved(cap, 0, b + slope * 0.55, c * 0.5), 1))
    return solid(*parts)


def tin(dice: Dice) -> Solid:
    """Can, battery, candle, roll: a cylinder with rims; sometimes lying."""
    radius, half = dice.between(0.3, 0.7), dice.between(0.15, 1.0)
    parts = [Part(Cylinder(radius, half, dice.pick((0.0, 0.03, 0.08))))]
    if dice.chance(0.5):
        parts.append(
            Part(Union((moved(Torus(radius * 0.97, 0.03), y=half), moved(Torus(radius * 0.97, 0.03), y=-half))), 1)
        )
    if dice.chance(0.3):
        parts.append(Part(Cylinder(radius * 1.01, half * dice.between(0.4, 0.9)), 2))
    if dice.chance(0.25):
        parts.append(Part(moved(Cylinder(radius * dice.between(0.2, 0.8), 0.06, 0.01), y=half + 0.03), 1))
    hole = None
    if dice.chance(0.2):  # a roll
        hole = Cylinder(radius * dice.between(0.2, 0.75), 2.0)
    lying = dice.chance(0.3)
    parts = [Part(turned(p.node, z=90), p.material) for p in parts] if lying else parts
    return solid(*parts, carve=turned(hole, z=90) if hole and lying else hole)


def tube(dice: Dice) -> Solid:
    """Toothpaste or cream tube: round at the cap, flat at the other end."""
    radius, long, wide = dice.between(0.18, 0.3), dice.between(0.7, 1.0), dice.between(0.22, 0.4)
    slices = []
    for i in range(7):
        t = i / 6
        shape = Superquadric((radius + (wide - radius) * t, long / 4.5, radius * (1 - t) + 0.03), 0.9, 0.6)
        slices.append(moved(shape, y=-long * 0.75 + 1.6 * long * t))
    body = Union(tuple(slices), 0.12)
    parts = [Part(body), Part(moved(Box((wide * 1.02, 0.06, 0.025)), y=long), dice.count(0, 1))]
    parts.append(Part(moved(Cone(radius * 0.9, radius * dice.between(0.4, 0.9), 0.12, 0.02), y=-long - 0.05), 1))
    turn = dice.pick((0.0, 180.0, 90.0))
    return solid(
        *(Part(turned(p.node, x=turn if turn != 90 else 0, z=90 if turn == 90 else 0), p.material) for p in parts)
    )


def pouch(dice: Dice) -> Solid:
    """Bag of crisps, sack, pillow pack, cushion: bulged between flat seams."""
    a, b, c = dice.between(0.45, 0.8), dice.between(0.5, 1.0), dice.between(0.12, 0.4)
    body = Superquadric((a, b, c), dice.between(0.5, 0.9), dice.between(0.5, 0.9))
    node = Bumpy(body, dice.between(0.01, 0.03), dice.between(4, 9)) if dice.chance(0.6) else body
    parts = [Part(node)]
    if dice.chance(0.6):
        parts.append(Part(moved(Box((a * 0.8, 0.08, 0.025)), y=b * 0.98), dice.count(0, 1), 0.1))
        parts.append(Part(moved(Box((a * 0.8, 0.08, 0.025)), y=-b * 0.98), dice.count(0, 1), 0.1))
    elif dice.chance(0.5):
        parts.append(Part(moved(Cone(0.1, 0.25, 0.15, 0.02), y=b + 0.08), 0, 0.15))
        parts.append(Part(moved(Torus(0.11, 0.04), y=b), 1))
    return _tilted(dice, solid(*parts))


def book(dice: Dice) -> Solid:
    """Book, notebook, tablet, phone, magazine: thin, standing, lying or leaning; open ones too."""
    a, b, c = dice.between(0.45, 0.75), dice.between(0.6, 0.95), dice.between(0.03, 0.2)
    if dice.chance(0.2):
        leaf = Union((moved(Box((a, 0.035, b)), x=a), moved(Box((a * 0.95, 0.05, b * 0.95), 0.04), x=a * 0.95, y=0.05)))
        angle = dice.between(3, 40)
        pages = [turned(leaf, z=angle), turned(leaf, y=180, z=-angle)]
        return solid(Part(pages[0]), Part(pages[1], 1))
    cover = Union((Box((a, b, 0.02)),))
    parts = [Part(moved(cover, z=c)), Part(moved(cover, z=-c)), Part(moved(Box((0.025, b, c)), x=-a), 0)]
    parts.append(Part(moved(Box((a * 0.97, b * 0.96, c)), x=-0.02), 1))
    if dice.chance(0.3):
        parts.append(Part(moved(Box((a * 0.7, b * 0.4, 0.015)), y=b * 0.2, z=c + 0.02), 2))
    if dice.chance(0.35):
        parts = [Part(Box((a, b, max(c, 0.03)), 0.03)), Part(moved(Box((a * 0.9, b * 0.88, 0.02)), z=max(c, 0.03)), 1)]
    return _tilted(dice, solid(*parts))


def stack(dice: Dice) -> Solid:
    """Several flat things on each other."""
    parts, y = [], 0.0
    size = dice.between(0.5, 0.9)
    rounded = dice.chance(0.4)
    for i in range(dice.count(2, 6)):
        half = dice.between(0.05, 0.2)
        a, c = size * dice.between(0.75, 1.0), size * dice.between(0.6, 1.0)
        node = Cylinder(a, half, 0.03) if rounded else Box((a, half, c), dice.pick((0.0, 0.03)))
        shift = 0.03 if rounded else 0.08
        place = Placed(
            node,
            (dice.between(-shift, shift), y + half, dice.between(-shift, shift)),
            rotation(y=dice.between(-20, 20)),
        )
        parts.append(Part(place, i % 5))
        y += 2 * half
    return solid(*parts)


def blocks(dice: Dice) -> Solid:
    """Building bricks, dice, puzzle pieces: a body with studs, pips or notches."""
    kind = dice.pick(("brick", "die", "prism", "heart"))
    if kind == "brick":
        columns, rows, half = dice.count(1, 4), dice.count(1, 2), dice.between(0.12, 0.35)
        body = Box((0.24 * columns, half, 0.24 * rows), 0.02)
        studs = [
            Part(
                moved(Cylinder(0.14, 0.08), 0.48 * i - 0.24 * (columns - 1), half + 0.07, 0.48 * j - 0.24 * (rows - 1))
            )
            for i in range(columns)
            for j in range(rows)
        ]
        return solid(Part(body), *studs)
    if kind == "die":
        body = Intersection((Box((0.6, 0.6, 0.6), 0.08), Ball(dice.between(0.8, 1.0))))
        pip = Ball(0.12)
        spots = [
            moved(pip, *p)
            for p in (
                (0, 0, 0.65),
                (0.65, 0.3, 0.3),
                (0.65, -0.3, -0.3),
                (0.3, 0.65, 0.3),
                (-0.3, 0.65, -0.3),
                (0, 0.65, 0),
            )
        ]
        return solid(Part(Taper(body, 0.0, 1.1)), carve=Union(tuple(spots)))
    if kind == "prism":
        outline = dice.pick(
            (
                outlines.regular(3),
                outlines.regular(5),
                outlines.regular(6),
                outlines.star(5, 1, 0.5),
                outlines.LETTERS["+"],
            )
        )
        return solid(
            Part(plate(outline, dice.between(0.2, 1.2), 0.03)), Part(moved(rod((0, 0, 0), (0, 0.1, 0), 0.1)), 1)
        )
    return solid(Part(Extrude(outlines.heart(0.9), dice.between(0.1, 0.35), dice.between(0.02, 0.1))))


def _tilted(dice: Dice, made: Solid) -> Solid:
    """Upright mostly; else lying on a side, leaning, or bent a little."""
    kind = dice.weighted(("upright", "lying", "leaning", "bent"), (5, 2, 1, 0.4))
    if kind == "upright":
        return made
    if kind == "bent":
        return solid(*(Part(Bend(p.node, dice.between(0.1, 0.3), 1.6), p.material, p.blend) for p in made.parts[:1]))
    turn = (
        rotation(x=-90, y=dice.pick((0, 90)))
        if kind == "lying"
        else rotation(x=-dice.between(5, 30), y=dice.between(-30, 30))
    )
    return solid(*(Part(Placed(p.node, turn=turn), p.material, p.blend) for p in made.parts))
