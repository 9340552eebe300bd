"""Animals: bodies with heads and limbs, mostly mirrored in x, facing +z."""

from ...dice import Dice
from .. import outlines
from ..combine import Union
from ..primitives import Ball, Cone, Superquadric, Tube
from ..profiles import Extrude
from ..solid import Part, Solid
from ..space import Mirror, RadialArray, moved, turned
from .kit import rod, solid
from .limbs import animal_head, face, limb


def creature(dice: Dice) -> Solid:
    """A random kind of creature."""
    kinds = (quadruped, bird, fish, snake, insect, dinosaur)
    return dice.weighted(kinds, (3, 1.5, 1.2, 0.7, 0.8, 1))(dice)


def quadruped(dice: Dice) -> Solid:
    """Dog, horse, cow, pig, elephant, tortoise: body along z on four legs."""
    long, fat, high = dice.between(0.4, 0.75), dice.between(0.2, 0.4), dice.between(0.15, 0.75)
    melt = dice.between(0.04, 0.15)
    body = Superquadric((fat, fat * dice.between(0.8, 1.15), long), dice.between(0.7, 1.0), 1.0)
    parts = [Part(body)]
    thick = fat * dice.between(0.2, 0.45)
    for end in (0.72, -0.72):
        hip = (fat * 0.6, -fat * 0.2, end * long)
        foot = (fat * dice.between(0.55, 0.8), -fat - high, end * long + dice.between(-0.1, 0.12))
        parts.append(
            Part(
                Mirror(limb(dice, hip, foot, thick, (0, 0, dice.between(-0.08, 0.08)))),
                dice.weighted((0, 1), (3, 1)),
                melt,
            )
        )
    size = fat * dice.between(0.55, 1.0)
    neck = (0.0, dice.between(0.0, 0.9) * (fat + high) * 0.7, long + size * dice.between(0.4, 0.9))
    parts.append(Part(Tube(((0, fat * 0.2, long * 0.7), neck), (fat * 0.55, size * 0.6)), 0, melt))
    parts += animal_head(dice, size, neck, melt)
    if dice.chance(0.8):
        tail = (
            (0, fat * 0.4, -long * 0.9),
            (0, fat * dice.between(0.2, 1.2), -long - 0.2),
            (0, dice.between(-0.3, 1.0) * fat, -long - dice.between(0.25, 0.6)),
        )
        parts.append(Part(Tube(tail, (thick * 0.7, thick * 0.5, dice.between(0.03, 0.07))), dice.count(0, 1), 0.03))
    if dice.chance(0.12):
        parts.append(Part(moved(Superquadric((fat * 1.2, fat * 0.9, long * 0.95)), y=fat * 0.35), 1))
    return solid(*parts)


def bird(dice: Dice) -> Solid:
    """Bird, duck, chicken: egg body, beak, wings, tail, legs."""
    fat, long = dice.between(0.3, 0.5), dice.between(0.45, 0.7)
    body = turned(Superquadric((fat, fat, long)), x=-dice.between(0, 50))
    size = fat * dice.between(0.45, 0.75)
    at = (0.0, dice.between(0.4, 0.9), long * dice.between(0.4, 0.8))
    parts = [
        Part(body),
        Part(Tube(((0, 0.2, 0.2), at), (fat * 0.6, size * 0.7)), 0, 0.1),
        Part(moved(Ball(size), *at), dice.count(0, 1), 0.06),
    ]
    beak = turned(Cone(size * 0.4, 0.03, size * dice.between(0.3, 0.8)), x=90)
    parts.append(Part(moved(beak, at[0], at[1] - 0.05, at[2] + size * 1.2), 2))
    parts += [Part(moved(p.node, *at), p.material) for p in face(dice, size, size * 0.85, 0.0)[:1]]
    wing = Superquadric((0.07, fat * 0.6, long * 0.6))
    spread = dice.pick((0, dice.between(40, 100)))
    if spread:
        wing = moved(Superquadric((dice.between(0.3, 0.6), 0.05, 0.22)), x=0.45)
        parts.append(Part(Mirror(moved(turned(wing, z=dice.between(-10, 40)), fat * 0.6, 0.1)), 1, 0.04))
    else:
        parts.append(Part(Mirror(moved(turned(wing, x=-20), fat * 0.9, 0.0, -0.1)), 1, 0.03))
    parts.append(
        Part(moved(turned(Superquadric((fat * 0.5, 0.06, 0.35)), x=dice.between(-40, 30)), y=0.0, z=-long), 1, 0.05)
    )
    if dice.chance(0.7):
        low = -fat - dice.between(0.1, 0.5)
        parts.append(Part(Mirror(rod((0.15, -fat * 0.5, 0), (0.18, low, 0.05), 0.04)), 2))
        parts.append(Part(Mirror(moved(Superquadric((0.12, 0.035, 0.2)), 0.18, low, 0.12)), 2))
    return solid(*parts)


def fish(dice: Dice) -> Solid:
    """Fish, whale, shark, dolphin."""
    long, high, thick = dice.between(0.6, 0.95), dice.between(0.2, 0.5), dice.between(0.12, 0.35)
    body = Superquadric((thick, high, long), 1.0, dice.between(0.8, 1.2))
    fin = dice.between(0.25, 0.5)
    tail = Extrude(((0.0, 0.05), (-0.4, fin), (-0.28, 0.0), (-0.4, -fin), (0.0, -0.05)), 0.03, 0.01)
    tail = turned(tail, y=-90) if dice.chance(0.7) else turned(turned(tail, x=90), y=-90)
    parts = [Part(body), Part(moved(tail, z=-long * 0.9), 1, 0.05)]
    back = Extrude(((-0.3, 0.0), (-0.2, dice.between(0.15, 0.4)), (0.25, 0.0)), 0.03, 0.01)
    parts.append(Part(moved(turned(back, y=-90), y=high * 0.85), 1, 0.03))
    side = turned(Superquadric((0.25, 0.03, 0.13)), z=-dice.between(0, 50), y=20)
    parts.append(Part(Mirror(moved(side, thick + 0.1, -0.1, long * 0.3)), 1, 0.03))
    parts.append(Part(Mirror(moved(Ball(0.07), thick * 0.75, high * 0.2, long * 0.7)), 2))
    return solid(*parts)


def snake(dice: Dice) -> Solid:
    """Snake, worm, caterpillar, eel, toy train of beads."""
    point, heading, points = (0.0, 0.0, -0.9), 0.0, []
    for i in range(10):
        points.append(point)
        heading = heading * 0.6 + dice.between(-0.35, 0.35)
        point = (
            point[0] + heading * 0.5,
            max(0.0, point[1] + dice.between(-0.08, 0.12)) + (0.1 if i > 7 else 0),
            point[2] + 0.19,
        )
    thick = dice.between(0.08, 0.2)
    if dice.chance(0.4):
        parts = [Part(moved(Ball(thick * dice.between(1.0, 1.3)), *p), i % 2, 0.03) for i, p in enumerate(points)]
        parts.append(Part(Tube(tuple(points), (thick * 0.6,) * 10)))
    else:
        radii = tuple(thick * (0.35 + 0.65 * min(1.0, i / 4)) for i in range(10))
        parts = [Part(Tube(tuple(points), radii))]
    head_ = Superquadric((thick * 1.4, thick * 1.1, thick * 1.7))
    parts.append(Part(moved(head_, *points[-1]), dice.count(0, 1), 0.05))
    x, y, z = points[-1]
    parts.append(
        Part(
            Union(
                (
                    moved(Ball(thick * 0.35), x + thick, y + thick * 0.7, z + thick),
                    moved(Ball(thick * 0.35), x - thick, y + thick * 0.7, z + thick),
                )
            ),
            2,
        )
    )
    return solid(*parts)


def insect(dice: Dice) -> Solid:
    """Beetle, spider, crab, bee, octopus."""
    body = Superquadric((dice.between(0.25, 0.5), dice.between(0.18, 0.35), dice.between(0.35, 0.6)))
    parts = [Part(body), Part(moved(Ball(dice.between(0.15, 0.28)), y=0.05, z=0.6), dice.count(0, 1), 0.04)]
    reach = dice.between(0.5, 0.9)
    low = -dice.between(0.2, 0.5)
    leg = Tube(((0.2, 0, 0), (reach * 0.6, dice.between(-0.1, 0.35), 0), (reach, low, 0)), (0.06, 0.05, 0.035))
    if dice.chance(0.5):
        parts.append(Part(RadialArray(leg, dice.pick((6, 8))), 1, 0.02))
    else:
        for z in (-0.3, 0.0, 0.3):
            parts.append(Part(Mirror(moved(leg, z=z)), 1, 0.02))
    if dice.chance(0.4):
        wing = turned(moved(Superquadric((0.45, 0.03, 0.2)), x=0.5), z=25, y=dice.between(0, 30))
        parts.append(Part(Mirror(moved(wing, y=0.25)), 2))
    feeler = Tube(((0.08, 0.2, 0.65), (0.2, 0.45, 0.8), (0.3, 0.5, 0.95)), (0.03,) * 3)
    parts += [Part(Mirror(feeler), 1), Part(Mirror(moved(Ball(0.06), 0.12, 0.15, 0.8)), 3)]
    return solid(*parts)


def dinosaur(dice: Dice) -> Solid:
    """Upright dinosaur or dragon, kangaroo, squirrel: thick tail, big thighs, small arms, a crest."""
    fat = dice.between(0.25, 0.38)
    body = turned(Superquadric((fat, fat * 1.0, 0.5)), x=-dice.between(10, 60))
    neck_top = (0.0, dice.between(0.55, 0.95), dice.between(0.45, 0.75))
    parts = [
        Part(body),
        Part(Tube(((0, 0.2, 0.25), (0, 0.5, 0.45), neck_top), (fat * 0.75, fat * 0.5, fat * 0.45)), 0, 0.1),
    ]
    size = fat * dice.between(0.55, 0.85)
    parts += animal_head(dice, size, neck_top, 0.06)
    tail = (
        (0, -0.1, -0.3),
        (0, -0.35, -0.7),
        (0, dice.between(-0.45, -0.1), -1.1),
        (dice.between(-0.2, 0.2), dice.between(-0.45, 0.3), -1.4),
    )
    parts.append(Part(Tube(tail, (fat * 0.75, fat * 0.5, fat * 0.28, 0.05)), 0, 0.1))
    knee = (fat * 1.05, -0.45, 0.2)
    parts.append(
        Part(
            Mirror(Tube(((fat * 0.7, -0.1, -0.1), knee, (fat * 0.9, -0.85, 0.0)), (fat * 0.55, fat * 0.42, 0.09))),
            0,
            0.06,
        )
    )
    parts.append(Part(Mirror(moved(Superquadric((0.13, 0.07, 0.22)), fat * 0.9, -0.87, 0.12)), 0, 0.04))
    parts.append(
        Part(
            Mirror(Tube(((fat * 0.6, 0.25, 0.4), (fat * 0.95, 0.05, 0.6), (fat * 0.8, 0.1, 0.75)), (0.1, 0.07, 0.06))),
            0,
            0.05,
        )
    )
    if dice.chance(0.5):
        spike = turned(Extrude(outlines.regular(3, 0.18), 0.03), y=90)
        spots = ((0.55, 0.3), (fat * 0.95, -0.1), (fat * 0.3, -0.45))
        parts.append(Part(Union(tuple(moved(spike, y=y, z=z) for y, z in spots)), 1))
    return solid(*parts)
