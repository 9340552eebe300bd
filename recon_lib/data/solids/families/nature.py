"""Plants and food: potted plants, trees, cacti, mushrooms, fruit, cakes, burgers."""

import math

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Intersection, Union
from ..node import Node
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..profiles import Extrude, Lathe
from ..solid import Part, Solid
from ..space import Mirror, Placed, RadialArray, moved, rotation, turned
from ..warp import Bend, Bumpy
from .kit import rod, solid


def nature(dice: Dice) -> Solid:
    """A random plant or food."""
    kinds = (potted, tree, cactus, mushroom, flower, fruit, bunch, cake, layers, root, rock)
    return dice.weighted(kinds, (2, 1.3, 0.7, 0.7, 0.8, 2, 0.7, 1, 1, 1, 0.7))(dice)


def _leaf(dice: Dice, long: float, wide: float) -> Node:
    """A leaf along +y from the origin, arching to +z."""
    blade = moved(Superquadric((wide, long / 2, 0.035)), y=long / 2)
    return Bend(turned(blade, y=90), dice.between(0.1, 0.45), long * 1.3)


def potted(dice: Dice) -> Solid:
    """Pot with leaves, a bush or a stem."""
    top, high = dice.between(0.25, 0.4), dice.between(0.2, 0.4)
    pot = Lathe(outlines.wall([(top * dice.between(0.6, 0.9), -high), (top, high)], 0.06, high * 1.6))
    parts = [Part(pot), Part(moved(Cylinder(top * 0.85, 0.04), y=high * 0.6), 1)]
    if dice.chance(0.4):
        parts.append(Part(moved(Torus(top, 0.05), y=high), 0))
    kind = dice.pick(("rosette", "bush", "leaves", "stalk"))
    if kind == "rosette":
        leaf = turned(_leaf(dice, dice.between(0.6, 1.1), dice.between(0.06, 0.14)), z=-dice.between(15, 45))
        count = dice.count(4, 7)
        parts.append(Part(moved(RadialArray(leaf, count), y=high * 0.6), 2))
        inner = turned(_leaf(dice, dice.between(0.7, 1.2), 0.09), z=-dice.between(5, 15))
        parts.append(Part(moved(turned(RadialArray(inner, 3), y=30), y=high * 0.6), 2))
    elif kind == "bush":
        parts.append(Part(rod((0, 0, 0), (0, high + 0.4, 0), 0.05), 3))
        for _ in range(dice.count(3, 7)):
            ball = Superquadric(tuple(dice.between(0.18, 0.38) for _ in range(3)))
            place = moved(ball, dice.between(-0.35, 0.35), high + dice.between(0.15, 0.75), dice.between(-0.35, 0.35))
            parts.append(Part(Bumpy(place, 0.025, dice.between(14, 22)), 2, 0.05))
    elif kind == "leaves":
        parts.append(Part(rod((0, 0, 0), (0, high * 0.6 + 0.35, 0), 0.045), 2))
        for i in range(dice.count(4, 8)):
            leaf = _leaf(dice, dice.between(0.4, 0.9), dice.between(0.1, 0.25))
            turn = rotation(y=i * 137.5, z=0)
            tilted = Placed(turned(leaf, z=-dice.between(5, 55)), (0, high * 0.6 + 0.05 * i, 0), turn)
            parts.append(Part(tilted, 2))
    else:
        tall = dice.between(0.6, 1.2)
        parts.append(Part(rod((0, 0, 0), (dice.between(-0.15, 0.15), tall, 0), 0.045), 3))
        parts.append(Part(moved(Superquadric((0.35, dice.between(0.25, 0.5), 0.35)), y=tall + 0.1), 2))
    return solid(*parts)


def tree(dice: Dice) -> Solid:
    """Fir, round tree, palm, bare branches."""
    trunk = dice.between(0.05, 0.12)
    kind = dice.pick(("fir", "round", "palm", "bare"))
    parts = [Part(rod((0, -0.9, 0), (0, 0.2, 0), trunk))]
    if kind == "fir":
        tiers = dice.count(2, 4)
        for i in range(tiers):
            wide = 0.65 * (1 - i / (tiers + 1))
            parts.append(Part(moved(Cone(wide, wide * 0.25, 0.28), y=-0.3 + i * 0.42), 1))
    elif kind == "round":
        for _ in range(dice.count(2, 6)):
            size = dice.between(0.25, 0.5)
            parts.append(
                Part(
                    moved(
                        Bumpy(Ball(size), 0.02, 16.0),
                        dice.between(-0.35, 0.35),
                        dice.between(0.1, 0.6),
                        dice.between(-0.35, 0.35),
                    ),
                    1,
                    0.1,
                )
            )
    elif kind == "palm":
        leaf = turned(_leaf(dice, 0.8, 0.12), z=-dice.between(50, 85))
        parts.append(Part(moved(RadialArray(leaf, dice.count(5, 8)), y=0.2), 1))
    else:
        for i in range(dice.count(4, 7)):
            angle, low = i * 2.4, dice.between(-0.4, 0.2)
            tip = (0.5 * math.cos(angle), low + dice.between(0.3, 0.7), 0.5 * math.sin(angle))
            parts.append(Part(Tube(((0, low, 0), tip), (trunk * 0.7, 0.025)), 0, 0.03))
            if dice.chance(0.5):
                parts.append(Part(moved(Ball(dice.between(0.06, 0.15)), *tip), 1))
    if dice.chance(0.5):
        parts.append(Part(moved(Cylinder(dice.between(0.25, 0.5), 0.06, 0.02), y=-0.9), 2))
    return solid(*parts)


def cactus(dice: Dice) -> Solid:
    """Ribbed columns with arms, in a pot or not."""
    thick, tall = dice.between(0.15, 0.25), dice.between(0.5, 0.8)
    ribs = turned(Extrude(outlines.wavy(dice.count(7, 10), thick, thick * 0.12), tall, 0.06), x=90)
    parts = [Part(ribs)]
    for side in (1, -1):
        if dice.chance(0.7):
            y = dice.between(-0.3, 0.2)
            arm = Tube(
                ((0, y, 0), (side * 0.35, y, 0), (side * 0.4, y + dice.between(0.2, 0.5), 0)), (thick * 0.6,) * 3
            )
            parts.append(Part(arm, 0, 0.03))
    if dice.chance(0.6):
        parts.append(Part(moved(Cone(0.25, 0.36, 0.22, 0.01), y=-tall - 0.1), 1))
    if dice.chance(0.4):
        parts.append(Part(moved(Ball(0.09), y=tall + 0.03), 2))
    return solid(*parts)


def mushroom(dice: Dice) -> Solid:
    """Mushroom, umbrella, parasol, cupcake-like cap on a stem."""
    wide, high, stem = dice.between(0.4, 0.8), dice.between(0.2, 0.5), dice.between(0.08, 0.25)
    cap: Node = Intersection((Superquadric((wide, high, wide)), moved(Box((2, 1, 2)), y=1 - high * 0.15)), 0.03)
    if dice.chance(0.3):
        cap = Difference(cap, moved(Superquadric((wide * 0.9, high * 0.75, wide * 0.9)), y=-high * 0.12))
    parts = [
        Part(cap),
        Part(
            Tube(
                ((0, 0, 0), (0, -0.4, 0), (0, -dice.between(0.6, 1.1), 0)),
                (stem, stem * 0.8, stem * dice.between(1, 1.3)),
            ),
            1,
        ),
    ]
    if dice.chance(0.4):
        spots = [
            moved(Ball(0.09), 0.6 * wide * math.cos(i * 2.4), high * 0.72, 0.6 * wide * math.sin(i * 2.4))
            for i in range(5)
        ]
        parts.append(Part(Union(tuple(spots)), 2))
    return solid(*parts)


def flower(dice: Dice) -> Solid:
    """A blossom on a stem, or alone; windmill-like."""
    count, long = dice.count(5, 9), dice.between(0.25, 0.45)
    petal = Placed(
        Superquadric((long, 0.04, long * dice.between(0.3, 0.6))),
        (long * 1.1, 0.05, 0),
        rotation(z=dice.between(0, 50)),
    )
    bloom = Union((RadialArray(petal, count),))
    tilt = dice.between(0, 80)
    parts = [Part(turned(bloom, x=tilt)), Part(turned(Superquadric((0.16, 0.12, 0.16)), x=tilt), 1)]
    if dice.chance(0.75):
        low = -dice.between(0.7, 1.3)
        parts.append(Part(Tube(((0, 0, 0), (0.05, low / 2, -0.1), (0, low, 0)), (0.04,) * 3), 2))
        leaf = turned(_leaf(dice, 0.45, 0.12), z=-50)
        parts.append(Part(moved(Union((leaf, turned(leaf, y=160))), y=low * 0.7), 2))
    return solid(*parts)


def fruit(dice: Dice) -> Solid:
    """Apple, pear, lemon, pumpkin, egg, banana, carrot, pepper."""
    kind = dice.pick(("round", "pear", "ribbed", "banana", "carrot", "lemon"))
    if kind == "banana":
        points = [
            (0.75 * math.cos(a), 0.75 * math.sin(a) - 0.5, 0.0) for a in (math.radians(20 + 20 * i) for i in range(8))
        ]
        thick = dice.between(0.13, 0.22)
        radii = tuple(thick * r for r in (0.25, 0.75, 0.95, 1, 1, 0.95, 0.75, 0.3))
        bunch_ = [
            Part(Placed(Tube(tuple(points), radii), (0, 0, 0.28 * i), rotation(y=6 * i)), i % 2)
            for i in range(dice.pick((1, 1, 3)))
        ]
        return solid(*(Part(turned(p.node, x=dice.pick((0, 90))), p.material) for p in bunch_))
    if kind == "carrot":
        long = dice.between(0.6, 0.9)
        body: Node = Tube(((0, 0.2, 0), (0, -long, 0)), (dice.between(0.15, 0.25), 0.04))
        tops = RadialArray(Tube(((0, 0.3, 0), (0.1, 0.6, 0), (0.3, 0.8, 0)), (0.05, 0.05, 0.03)), dice.count(3, 5))
        turn = dice.pick((0, 90, 70))
        return solid(Part(turned(body, z=turn)), Part(turned(tops, z=turn), 1))
    wide, high = dice.between(0.5, 0.75), dice.between(0.45, 0.75)
    if kind == "ribbed":
        lobes = RadialArray(moved(Superquadric((wide * 0.5, high, wide * 0.45)), x=wide * 0.45), dice.count(5, 9))
        body = Union((lobes, Ball(min(wide, high) * 0.7)), 0.05)
    elif kind == "pear":
        body = Union((Ball(wide), moved(Ball(wide * 0.5), y=wide * dice.between(0.8, 1.2))), 0.5)
        high = wide * 1.6
    elif kind == "lemon":
        tips = Mirror(moved(Ball(0.1), y=high * 1.25), "y")
        body = Union((Superquadric((wide * 0.7, high, wide * 0.7)), tips), 0.3)
    else:
        body = Superquadric((wide, high, wide), 1.0, dice.between(0.7, 1.0))
        body = Difference(body, moved(Ball(0.18), y=high + 0.07), 0.2)
    parts = [Part(body)]
    if dice.chance(0.75):
        parts.append(
            Part(Tube(((0, high * 0.8, 0), (0.03, high + 0.15, 0), (0.12, high + 0.25, 0)), (0.045, 0.04, 0.045)), 1)
        )
        if dice.chance(0.5):
            leaf = turned(_leaf(dice, 0.45, 0.14), z=-dice.between(40, 80))
            parts.append(Part(moved(leaf, y=high), 2))
    if dice.chance(0.15):
        return solid(*parts, carve=moved(Ball(0.4), wide * 0.95, 0.1, 0.2))  # a bite
    return solid(*parts)


def bunch(dice: Dice) -> Solid:
    """Grapes, berries, balloons, eggs in a nest, a heap of balls."""
    size, parts = dice.between(0.14, 0.28), []
    for i in range(dice.count(6, 14)):
        high = dice.between(-0.6, 0.5)
        spread = 0.45 * (high + 0.8)
        angle = i * 2.4
        ball = Superquadric((size, size * dice.between(0.9, 1.2), size))
        parts.append(
            Part(
                moved(
                    ball,
                    spread * math.cos(angle) * dice.between(0.3, 1),
                    high,
                    spread * math.sin(angle) * dice.between(0.3, 1),
                ),
                i % 2,
            )
        )
    parts.append(Part(rod((0, 0.2, 0), (0.05, 0.95, 0), 0.05), 2))
    return solid(*parts)


def cake(dice: Dice) -> Solid:
    """Cake, muffin, doughnut, pie, slice, ice cream."""
    kind = dice.pick(("tiers", "muffin", "ring", "slice", "cone"))
    if kind == "ring":
        tube = dice.between(0.2, 0.35)
        top = moved(Torus(0.6, tube * 0.98), y=0.04)
        icing = Intersection((top, moved(Box((2, 1, 2)), y=1.05)), 0.03)
        return solid(*(Part(turned(n, x=dice.pick((0, 0, 50))), i) for i, n in enumerate((Torus(0.6, tube), icing))))
    if kind == "muffin":
        paper = turned(Extrude(outlines.gear(14, 0.46, 0.42), 0.25), x=90)
        return solid(
            Part(paper),
            Part(moved(Superquadric((0.58, dice.between(0.25, 0.45), 0.58)), y=0.3), 1),
            Part(moved(Ball(0.13), y=0.68), 2),
        )
    if kind == "cone":
        parts = [Part(moved(Cone(0.05, 0.35, 0.5), y=-0.5))]
        for i in range(dice.count(1, 3)):
            parts.append(Part(moved(Superquadric((0.4 - 0.06 * i, 0.33, 0.4 - 0.06 * i)), y=0.15 + 0.4 * i), 1 + i))
        return solid(*parts)
    if kind == "slice":
        wedge = turned(Extrude(((0, 0.8), (0.35, -0.5), (-0.35, -0.5)), dice.between(0.12, 0.35)), x=90)
        return solid(
            Part(wedge),
            Part(moved(Placed(wedge, scale=0.98), y=dice.between(0.1, 0.3)), 1),
            Part(moved(Ball(0.14), y=0.5, z=0.2), 2),
        )
    parts, y, wide = [], 0.0, 0.8
    for i in range(dice.count(1, 3)):
        half = dice.between(0.12, 0.3)
        parts.append(Part(moved(Cylinder(wide, half, 0.05), y=y + half), i))
        parts.append(Part(moved(RadialArray(moved(Ball(0.09), x=wide * 0.85), dice.count(5, 10)), y=y + 2 * half), 3))
        y, wide = y + 2 * half, wide * dice.between(0.55, 0.8)
    parts.append(Part(moved(Cylinder(1.0, 0.04, 0.02), y=-0.03), 4))
    return solid(*parts)


def layers(dice: Dice) -> Solid:
    """Burger, sandwich, sushi, macaron: layers between two halves."""
    wide, y = dice.between(0.55, 0.8), 0.0
    parts = []
    square = dice.chance(0.3)
    for i in range(dice.count(2, 5)):
        half, a = dice.between(0.04, 0.12), wide * dice.between(0.95, 1.12)
        node: Node = Cylinder(a, half, half * 0.8) if not square else Box((a, half, a * 0.9), half * 0.6)
        if dice.chance(0.25):
            node = turned(Extrude(outlines.wavy(dice.count(7, 11), a, 0.05), 0.04, 0.02), x=90)
            half = 0.04
        parts.append(Part(moved(node, y=y + half), 1 + i))
        y += 1.9 * half
    bun = Box((wide, 0.15, wide * 0.9), 0.08) if square else Superquadric((wide, dice.between(0.2, 0.5), wide))
    top = Intersection((moved(bun, y=y), moved(Box((2, 1, 2)), y=y + 1)))
    parts += [
        Part(top),
        Part(moved(Cylinder(wide, 0.12, 0.06) if not square else Box((wide, 0.12, wide * 0.9), 0.05), y=-0.1), 0),
    ]
    if dice.chance(0.3):
        parts += [Part(rod((0, y, 0), (0, y + 0.8, 0), 0.03), 6), Part(moved(Ball(0.09), y=y + 0.75), 7)]
    return solid(*parts)


def root(dice: Dice) -> Solid:
    """Potato, ginger, bread, croissant, sausage: lumpy along a bent axis."""
    count, bend = dice.count(3, 6), dice.between(0, 0.9)
    parts = []
    for i in range(count):
        t = i / (count - 1) - 0.5
        size = dice.between(0.75, 1.15) * dice.between(0.25, 0.4) * (1.15 - abs(t) * dice.between(0, 1))
        place = (1.3 * t, bend * (0.25 - t * t) * 2, dice.between(-0.08, 0.08))
        parts.append(Part(moved(Superquadric((size * 1.2, size, size)), *place), 0, dice.between(0.1, 0.3)))
    if dice.chance(0.4):
        cuts = [
            Placed(Box((0.035, 0.08, 0.5)), (1.1 * (i / 4 - 0.5), bend * 0.45 + 0.33, 0), rotation(z=25))
            for i in range(5)
        ]
        return solid(*parts, carve=Union(tuple(cuts)))
    return solid(*parts)


def rock(dice: Dice) -> Solid:
    """Stone or crystal: a ball with many flat cuts, or a cluster of prisms."""
    if dice.chance(0.4):
        parts = []
        for i in range(dice.count(3, 7)):
            prism = turned(Extrude(outlines.regular(6, dice.between(0.1, 0.22)), dice.between(0.3, 0.7)), x=90)
            tilt = rotation(z=dice.between(0, 50) if i else 0, y=i * 137.5)
            axis = turned(moved(prism, y=0.4), z=dice.between(0, 45) if i else 0)
            parts.append(Part(turned(axis, y=i * 137.5) if tilt else axis, i % 2))
        return solid(*parts)
    cuts: list[Node] = [Ball(0.95)]
    for _ in range(dice.count(8, 16)):
        far = dice.between(0.55, 0.85)
        turn = rotation(dice.between(0, 360), dice.between(0, 360), dice.between(0, 360))
        cuts.append(Placed(moved(Box((3, 3, 3)), x=far - 3), turn=turn))
    return solid(Part(Placed(Intersection(tuple(cuts), dice.pick((0.0, 0.08))), turn=None)))
