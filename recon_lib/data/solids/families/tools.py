"""Hand-held things: hammers, drivers, blades, brushes, cutlery, pens, torches."""

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Intersection, Union
from ..node import Node
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..profiles import Extrude, Lathe
from ..solid import Part, Solid
from ..space import LinearArray, Mirror, Placed, moved, rotation, turned
from .kit import knob, profile, rod, solid


def tool(dice: Dice) -> Solid:
    """A random kind of tool, standing, lying or held at an angle."""
    kinds = (hammer, driver, wrench, blade, brush, cutlery, pliers, torch, drill, dumbbell, comb)
    made = dice.weighted(kinds, (2, 1.5, 1, 1.5, 1.5, 1.5, 1, 1, 1.2, 0.7, 0.6))(dice)
    angle = dice.pick((0, 90, 90, dice.between(0, 180)))
    turn = rotation(x=dice.pick((0, 0, 90, dice.between(-30, 30))), y=dice.between(0, 360), z=angle)
    parts = (Part(Placed(p.node, turn=turn), p.material, p.blend) for p in made.parts)
    return solid(*parts, carve=None if made.carve is None else Placed(made.carve, turn=turn))


def _grip(dice: Dice, length: float, thick: float) -> Node:
    """A handle from y = 0 down to -length."""
    kind = dice.pick(("lathe", "flat", "rod", "taper"))
    if kind == "lathe":
        curve = profile(dice, -length, 0.0, thick, 5, 1.3)
        return Lathe(outlines.filled(curve))
    if kind == "flat":
        return moved(Superquadric((thick * 1.3, length / 2, thick * 0.8), 0.6, 0.3), y=-length / 2)
    if kind == "taper":
        return rod((0, 0, 0), (0, -length, 0), thick)
    return moved(Cylinder(thick, length / 2, thick * 0.4), y=-length / 2)


def hammer(dice: Dice) -> Solid:
    """Hammer, mallet, axe, pickaxe: a head across a handle."""
    length, thick = dice.between(1.0, 1.6), dice.between(0.06, 0.11)
    parts = [Part(_grip(dice, length, thick))]
    wide, high = dice.between(0.3, 0.6), dice.between(0.1, 0.22)
    kind = dice.pick(("mallet", "claw", "axe", "pick", "double"))
    if kind == "mallet":
        head: Node = dice.pick((Box((wide, high, high), 0.03), turned(Cylinder(high, wide, 0.04), z=90)))
    elif kind == "claw":
        face = turned(Cylinder(high, 0.08, 0.02), z=90)
        claw = Tube(((0.1, 0, 0), (0.3, 0.02, 0), (0.5, -0.15, 0)), (high * 0.7, high * 0.5, 0.04))
        head = Union((moved(face, x=-0.3), rod((-0.3, 0, 0), (0.1, 0, 0), high * 0.7), claw), 0.03)
    elif kind == "pick":
        head = Tube(((-0.65, -0.2, 0), (-0.3, 0.0, 0), (0.3, 0.0, 0), (0.65, -0.2, 0)), (0.03, 0.09, 0.09, 0.03))
    else:
        edge = dice.between(0.25, 0.5)
        shape = ((0.0, 0.1), (0.4, edge), (0.48, 0.0), (0.4, -edge * 1.1), (0.0, -0.12))
        head = Extrude(shape, 0.05, 0.02)
        head = Mirror(head) if kind == "double" else Union((head, Box((0.12, 0.13, 0.08), 0.02)))
    parts.append(Part(moved(head, y=-high * 0.2), 1))
    return solid(*parts)


def driver(dice: Dice) -> Solid:
    """Screwdriver, pen, marker, chisel, candle, lipstick: pieces in a row on one axis."""
    thick, y = dice.between(0.08, 0.2), -1.0
    parts = []
    for i in range(dice.count(2, 5)):
        half = dice.between(0.08, 0.45)
        a = thick * dice.between(0.35, 1.1)
        node = dice.pick(
            (Cylinder(a, half, 0.01), Cone(a, a * dice.between(0.4, 1.0), half), Superquadric((a, half, a), 1.0, 0.4))
        )
        if dice.chance(0.15):
            node = turned(Extrude(outlines.regular(6, a), half), x=90)
        parts.append(Part(moved(node, y=y + half), i % 4))
        y += 2 * half * 0.97
    if dice.chance(0.25):
        parts.append(Part(moved(Box((0.025, 0.25, 0.04), 0.02), x=thick * 1.1, y=y - 0.35), 1))
    return solid(*parts)


def wrench(dice: Dice) -> Solid:
    """Spanner, key, bottle opener, racket: rings or jaws on a flat bar."""
    length, thick, size = dice.between(0.6, 1.0), dice.between(0.05, 0.12), dice.between(0.18, 0.45)
    bar = Box((dice.between(0.07, 0.14), length, thick * 0.8), 0.03)
    ring = Difference(
        turned(Cylinder(size, thick, 0.02), x=90), turned(Cylinder(size * dice.between(0.5, 0.8), 1), x=90)
    )
    parts = [Part(bar), Part(moved(ring, y=length), dice.count(0, 1), 0.04)]
    carve = None
    if dice.chance(0.5):
        jaw = turned(Cylinder(size * 0.9, thick, 0.02), x=90)
        parts.append(Part(moved(jaw, y=-length), 0, 0.04))
        carve = moved(Box((size * 0.4, size * 0.6, 1)), y=-length - size * 0.6)
    elif dice.chance(0.5):
        strings = turned(LinearArray(rod((0, -size, 0), (0, size, 0), 0.02), 4, size * 0.45), z=0)
        parts.append(Part(Intersection((moved(strings, y=length), moved(Ball(size * 0.98), y=length))), 2))
    return solid(*parts, carve=carve)


def blade(dice: Dice) -> Solid:
    """Knife, sword, dagger, spatula, saw."""
    grip, length, wide = dice.between(0.3, 0.6), dice.between(0.7, 1.5), dice.between(0.1, 0.28)
    thick = dice.between(0.025, 0.05)
    kind = dice.pick(("sword", "knife", "spatula", "saw", "curved"))
    shapes = {
        "sword": ((-wide, 0), (-wide * 0.8, length * 0.85), (0, length), (wide * 0.8, length * 0.85), (wide, 0)),
        "knife": (
            (-wide * 0.5, 0),
            (-wide * 0.5, length),
            (wide * 0.3, length * 0.75),
            (wide, length * 0.1),
            (wide, 0),
        ),
        "spatula": (
            (-0.05, 0),
            (-0.06, length * 0.4),
            (-wide, length * 0.5),
            (-wide, length),
            (wide, length),
            (wide, length * 0.5),
            (0.06, length * 0.4),
            (0.05, 0),
        ),
        "saw": ((-wide * 1.3, 0), (-wide * 0.5, length), (wide, length), (wide, 0)),
        "curved": outlines.spline(
            [(-wide, 0), (-wide * 0.9, length * 0.5), (wide, length), (wide * 0.6, length * 0.5), (wide, 0)], 4
        ),
    }
    parts = [Part(Extrude(shapes[kind], thick)), Part(_grip(dice, grip, dice.between(0.06, 0.1)), 1)]
    if kind == "sword" or dice.chance(0.3):
        parts.append(Part(Box((wide * dice.between(1.3, 2.5), 0.05, 0.08), 0.03), 2))
        parts.append(Part(moved(Ball(0.1), y=-grip), 2))
    return solid(*parts)


def brush(dice: Dice) -> Solid:
    """Toothbrush, paint brush, broom, mop, hairbrush, plunger."""
    length, wide = dice.between(0.7, 1.4), dice.between(0.15, 0.5)
    parts = [Part(_grip(dice, length, dice.between(0.045, 0.09)))]
    kind = dice.pick(("flat", "side", "round", "broom", "plunger"))
    if kind == "flat":
        parts += [
            Part(moved(Box((wide, 0.1, 0.1), 0.02), y=0.06), 1),
            Part(moved(Box((wide * 0.95, 0.2, 0.08)), y=0.3), 2),
        ]
    elif kind == "side":
        head = moved(Superquadric((wide * 0.5, 0.3, 0.06), 0.6, 0.6), y=0.25)
        parts += [Part(head, 0, 0.05), Part(moved(Box((wide * 0.4, 0.24, 0.1)), y=0.25, z=0.12), 2)]
    elif kind == "round":
        parts += [Part(moved(Cylinder(0.12, 0.1), y=0.05), 1), Part(moved(Superquadric((0.14, 0.35, 0.14)), y=0.35), 2)]
    elif kind == "broom":
        parts.append(Part(moved(Cone(0.1, wide, 0.3), y=0.25), 2))
    else:
        parts.append(Part(moved(Difference(Ball(wide), moved(Box((1, 1, 1)), y=1.05)), y=wide * 0.9), 1))
    return solid(*parts)


def cutlery(dice: Dice) -> Solid:
    """Spoon, fork, ladle, whisk, scoop."""
    length, size = dice.between(0.7, 1.2), dice.between(0.2, 0.4)
    sag = dice.between(-0.15, 0.15)
    shaft = Tube(((0, 0, 0), (0, -length * 0.5, sag), (0, -length, 0)), (0.045, 0.035, dice.between(0.05, 0.09)))
    kind = dice.weighted(("spoon", "fork", "whisk", "ladle"), (2, 1.5, 0.7, 1))
    if kind == "spoon":
        cup = Superquadric((size * 0.75, size, size * 0.4))
        head: Node = Difference(cup, moved(Superquadric((size * 0.66, size * 0.92, size * 0.38)), z=0.08))
        head = Intersection((moved(head, y=size * 0.85), moved(Box((2, 2, 1)), z=-0.97)))
    elif kind == "fork":
        tines = LinearArray(rod((0, 0.2, 0), (0, 0.75, 0), 0.028), dice.count(3, 4), 0.14)
        head = Union((tines, moved(Superquadric((0.27, 0.2, 0.05), 0.6, 0.8), y=0.15)), 0.03)
    elif kind == "whisk":
        loop = Tube(((0.03, 0, 0), (0.25, 0.4, 0), (0.2, 0.75, 0), (0, 0.85, 0)), (0.026,) * 4)
        head = Union((Mirror(loop), turned(Mirror(loop), y=90)))
    else:
        bowl = Difference(Ball(size), Union((Ball(size - 0.06), moved(Box((1, 1, 1)), z=1.05))))
        head = moved(bowl, y=size * 0.6, z=-0.0)
    return solid(Part(shaft), Part(head, dice.pick((0, 0, 1)), 0.03))


def pliers(dice: Dice) -> Solid:
    """Pliers, scissors, clamps, tongs."""
    open_, length = dice.between(6, 25), dice.between(0.6, 0.9)
    jaw = Tube(((0, 0, 0), (0.08, 0.25, 0), (0.02, dice.between(0.4, 0.9), 0)), (0.11, 0.09, 0.035))
    if dice.chance(0.4):  # scissors
        side = Union((jaw, rod((0, 0, 0), (-0.15, -0.45, 0), 0.05)))
        ring = moved(turned(Torus(dice.between(0.17, 0.26), 0.05), x=90), -0.28, -0.65, 0)
        grip: Node = ring
    else:
        side = jaw
        grip = Tube(((0, 0, 0), (-0.25, -0.3, 0), (-0.15, -length, 0)), (0.09, 0.08, 0.08))
    halves = Mirror(turned(Union((side,)), z=-open_ * 0.4)), Mirror(turned(grip, z=-open_ * 0.4 * 0))
    return solid(Part(halves[0]), Part(halves[1], 1), Part(turned(Cylinder(0.09, 0.14, 0.02), x=90), 2))


def torch(dice: Dice) -> Solid:
    """Flashlight, microphone, rattle, ice cream cone, lollipop, magnifier."""
    length, head = dice.between(0.6, 1.1), dice.between(0.2, 0.5)
    parts = [Part(_grip(dice, length, dice.between(0.08, 0.18)))]
    kind = dice.pick(("cone", "ball", "disc", "lens"))
    if kind == "cone":
        parts.append(Part(moved(Cone(0.14, head, 0.2, 0.01), y=0.15), 1))
        parts.append(Part(moved(Cylinder(head * 0.98, 0.08, 0.02), y=0.38), 2))
    elif kind == "ball":
        parts.append(Part(moved(Superquadric((head, head * dice.between(0.8, 1.3), head)), y=head * 0.8), 1))
    elif kind == "disc":
        parts.append(Part(moved(turned(Cylinder(head, 0.07, 0.05), x=90), y=head), 1))
    else:
        parts.append(Part(moved(turned(Torus(head, 0.06), x=90), y=head), 1))
        parts.append(Part(moved(turned(Cylinder(head, 0.025), x=90), y=head), 2))
    if dice.chance(0.4):
        parts.append(Part(moved(turned(knob(dice, 0.04), x=90), y=-0.25, z=0.12), 2))
    return solid(*parts)


def drill(dice: Dice) -> Solid:
    """Drill, hair dryer, glue gun, water pistol, spray gun: barrel on a grip."""
    long, thick = dice.between(0.45, 0.75), dice.between(0.15, 0.24)
    barrel = turned(dice.pick((Cylinder(thick, long, 0.08), Superquadric((thick, long, thick), 0.7, 0.3))), z=90)
    grip_long, tilt = dice.between(0.5, 0.85), dice.between(-20, 10)
    grip = turned(moved(Superquadric((thick * 0.8, grip_long / 2, thick * 0.6), 0.6, 0.3), y=-grip_long / 2), z=tilt)
    parts = [Part(barrel), Part(moved(grip, x=dice.between(-0.6, 0.1) * long), dice.count(0, 1), 0.06)]
    tip = dice.between(0.2, 0.4)
    parts.append(
        Part(moved(turned(Cone(thick * 0.9, thick * dice.between(0.3, 1.1), tip / 2), z=-90), x=long + tip / 2), 1)
    )
    if dice.chance(0.5):
        parts.append(Part(rod((long + tip, 0, 0), (long + tip + dice.between(0.1, 0.5), 0, 0), 0.035), 2))
    if dice.chance(0.5):
        x = parts[1].node.offset[0]  # pyright: ignore[reportAttributeAccessIssue] - what `moved` returns
        foot = moved(Box((thick * 1.3, 0.12, thick), 0.04), x - grip_long * 0.17 * tilt / -20, -grip_long, 0)
        parts.append(Part(foot, 2))
    parts.append(Part(moved(Box((0.04, 0.1, 0.05), 0.02), x=long * 0.2, y=-thick - 0.06), 2))
    return solid(*parts)


def dumbbell(dice: Dice) -> Solid:
    """Dumbbell, spool, bone, barbell, bow."""
    half, size = dice.between(0.35, 0.8), dice.between(0.2, 0.5)
    weight = dice.pick(
        (Ball(size), Cylinder(size, dice.between(0.08, 0.25), 0.04), Superquadric((size, 0.2, size), 0.3, 0.3))
    )
    ends = Mirror(moved(weight, y=half), "y")
    parts = [Part(Cylinder(dice.between(0.06, 0.13), half)), Part(ends, 1)]
    if dice.chance(0.4):
        parts.append(Part(Mirror(moved(Cylinder(size * 0.75, 0.08, 0.02), y=half - 0.25), "y"), 2))
    return solid(*parts)


def comb(dice: Dice) -> Solid:
    """Comb, rake, radiator, xylophone: equal pieces in a row on a bar."""
    count, wide = dice.count(5, 10), dice.between(0.6, 1.0)
    step = 2 * wide / count
    tooth = dice.pick(
        (Box((step * 0.28, 0.35, 0.05)), Cylinder(step * 0.3, 0.35), Superquadric((step * 0.35, 0.35, 0.1)))
    )
    parts = [Part(moved(LinearArray(tooth, count, step), y=-0.3)), Part(Box((wide, 0.1, 0.07), 0.03), dice.count(0, 1))]
    if dice.chance(0.4):
        parts.append(Part(rod((0, 0, 0), (0, 1.2, 0), 0.05), 1))
    elif dice.chance(0.5):
        parts.append(Part(moved(Box((wide, 0.08, 0.07), 0.03), y=-0.62), 1))
    return solid(*parts)
