"""Devices: cameras, screens, speakers, kettles, remotes, clocks, fans."""

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Union
from ..node import Node
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..profiles import Extrude, Lathe
from ..solid import Part, Solid
from ..space import LinearArray, Mirror, Placed, RadialArray, moved, rotation, turned
from .kit import block, knob, profile, rod, solid, with_inset


def appliance(dice: Dice) -> Solid:
    """A random kind of device."""
    kinds = (camera, screen, speaker, laptop, keyboard, remote, toaster, coffee_maker, clock, fan, headphones, mixer)
    kinds += (machine, controller)
    return dice.weighted(kinds, (1, 1.2, 1.2, 1, 1, 1.2, 1, 1, 1, 0.8, 0.8, 0.6, 2, 0.6))(dice)


def buttons(dice: Dice, half_x: float, half_y: float, z: float, material: int) -> Part:
    """A grid of keys on a front at z."""
    columns, rows = dice.count(2, 5), dice.count(1, 4)
    step_x, step_y = 2 * half_x / columns, 2 * half_y / rows
    size = min(step_x, step_y) * 0.36
    key = dice.pick((Box((step_x * 0.38, step_y * 0.38, 0.035), 0.015), turned(Cylinder(size, 0.035, 0.01), x=90)))
    line: Node = LinearArray(key, columns, step_x)
    lines = [moved(line, y=(i - (rows - 1) / 2) * step_y) for i in range(rows)]
    return Part(moved(Union(tuple(lines)), z=z), material)


def camera(dice: Dice) -> Solid:
    """Photo camera, webcam, projector, binoculars: body with a lens."""
    a, b, c = dice.between(0.5, 0.8), dice.between(0.3, 0.5), dice.between(0.15, 0.3)
    radius, long = dice.between(0.2, 0.95) * b, dice.between(0.1, 0.5)
    lens: Node = moved(turned(Cylinder(radius, long, 0.02), x=90), z=c + long * 0.8)
    lens = Difference(lens, moved(turned(Cone(radius * 0.5, radius * 0.85, 0.08), x=90), z=c + long * 1.75))
    shift = dice.between(-0.25, 0.25) * a
    parts = [Part(block(dice, a, b, c)), Part(moved(lens, x=shift), 1)]
    if dice.chance(0.6):
        parts.append(Part(moved(Box((0.2, 0.1, 0.15), 0.03), x=shift, y=b + 0.06), dice.count(0, 1)))
    for x in (-0.7, 0.55, 0.75):
        if dice.chance(0.5):
            parts.append(Part(moved(knob(dice, 0.06), x=x * a, y=b), 2))
    if dice.chance(0.4):
        parts.append(Part(moved(Box((0.13, b * 0.9, c * 1.25), 0.06), x=-a * 0.88), 1))
    if dice.chance(0.25):
        leg = rod((0.05, 0, 0), (0.5, -0.9, 0), 0.035)
        parts.append(Part(moved(RadialArray(leg, 3), y=-b), 2))
    return solid(*parts)


def screen(dice: Dice) -> Solid:
    """Monitor, television, picture frame, mirror, sign: a flat front on a stand."""
    a, b, thin = dice.between(0.6, 1.0), dice.between(0.4, 0.7), dice.between(0.03, 0.1)
    panel = Difference(Box((a, b, thin), 0.02), moved(Box((a - 0.06, b - 0.06, 0.05)), z=thin + 0.02))
    parts = [Part(panel), Part(moved(Box((a - 0.05, b - 0.05, 0.02)), z=thin - 0.035), 1)]
    kind = dice.weighted(("foot", "legs", "easel", "wall", "bulge"), (3, 1, 1, 1, 1))
    if kind == "foot":
        low = -b - dice.between(0.1, 0.35)
        parts.append(Part(rod((0, low, -thin), (0, -b * 0.3, -thin), 0.07), 2))
        foot = dice.pick((Box((a * 0.4, 0.03, 0.25), 0.02), Cylinder(a * 0.35, 0.03, 0.01)))
        parts.append(Part(moved(foot, y=low, z=-0.02), 2))
    elif kind == "legs":
        parts.append(Part(Mirror(Tube(((a * 0.6, -b, 0), (a * 0.65, -b - 0.15, 0.18)), (0.04, 0.035))), 2))
        parts.append(Part(Mirror(Tube(((a * 0.6, -b, 0), (a * 0.65, -b - 0.15, -0.18)), (0.04, 0.035))), 2))
    elif kind == "easel":
        parts.append(Part(rod((0, b * 0.3, -thin), (0, -b, -0.45), 0.035), 2))
    elif kind == "bulge":
        parts.append(Part(moved(Superquadric((a * 0.8, b * 0.8, 0.35), 0.5, 0.5), z=-0.2), 0))
        parts.append(Part(moved(Box((a * 0.6, 0.05, 0.3), 0.02), y=-b - 0.04, z=-0.1), 2))
    tilt = dice.pick((0, 0, -8))
    return solid(*(Part(turned(p.node, x=tilt), p.material) for p in parts))


def speaker(dice: Dice) -> Solid:
    """Loudspeaker, smart speaker, radio, subwoofer."""
    a, b, c = dice.between(0.3, 0.9), dice.between(0.3, 0.9), dice.between(0.25, 0.45)
    if dice.chance(0.3):
        body: Node = Cylinder(a * 0.7, b, dice.between(0.03, 0.2))
        band = moved(Cylinder(a * 0.71, b * 0.12), y=dice.between(-0.6, 0.7) * b)
        return solid(Part(body), Part(band, 1), Part(moved(Cylinder(a * 0.45, 0.04), y=b), 2))
    parts = [Part(block(dice, a, b, c))]
    count = dice.count(1, 3)
    for i in range(count):
        radius = min(a, b / count) * dice.between(0.5, 0.85)
        y = (i - (count - 1) / 2) * 2 * b / count
        x = 0.0 if a < b else dice.pick((-0.5, 0.5, 0.0)) * (a - radius)
        cone = Difference(
            turned(Cylinder(radius, 0.05, 0.02), x=90), turned(Cone(radius * 0.3, radius * 0.9, 0.05), x=90)
        )
        parts.append(Part(moved(cone, x, y, c), 1))
        parts.append(Part(moved(Ball(radius * 0.3), x, y, c - 0.02), 2))
    if dice.chance(0.35):
        parts.append(
            Part(
                moved(
                    Tube(((-a * 0.7, 0, 0), (-a * 0.6, 0.25, 0), (a * 0.6, 0.25, 0), (a * 0.7, 0, 0)), (0.04,) * 4), y=b
                ),
                1,
            )
        )
    if dice.chance(0.3):
        parts.append(
            Part(
                rod((a * 0.7, b, -c * 0.5), (a * dice.between(0.8, 1.3), b + dice.between(0.4, 0.9), -c * 0.5), 0.03), 1
            )
        )
    return solid(*parts)


def laptop(dice: Dice) -> Solid:
    """Laptop, clamshell, open box or case, folder."""
    a, c, thin = dice.between(0.6, 0.9), dice.between(0.4, 0.6), dice.between(0.025, 0.12)
    angle = dice.between(-5, 40)
    base = Box((a, thin, c), min(thin, 0.03))
    lid = moved(Box((a, c, max(thin * 0.6, 0.025)), 0.02), y=c)
    view = moved(Box((a * 0.9, c * 0.85, 0.02)), y=c, z=max(thin * 0.6, 0.025))
    turn = rotation(x=-angle)
    parts = [
        Part(base),
        Part(Placed(lid, (0, thin, -c), turn), dice.count(0, 1)),
        Part(Placed(view, (0, thin, -c), turn), 2),
    ]
    parts.append(Part(moved(Box((a * 0.88, 0.02, c * 0.45)), y=thin, z=-c * 0.3), 3))
    if dice.chance(0.5):
        parts.append(Part(moved(Box((a * 0.25, 0.015, c * 0.2)), y=thin, z=c * 0.5), 1))
    return solid(*parts)


def keyboard(dice: Dice) -> Solid:
    """Keyboard, piano, calculator, console: rows of keys on a slab."""
    a, b, thin = dice.between(0.6, 1.0), dice.between(0.2, 0.5), dice.between(0.05, 0.1)
    columns, rows = dice.count(5, 11), dice.count(1, 5)
    step_x, step_z = 1.9 * a / columns, 1.85 * b / rows
    key = Box((step_x * 0.4, 0.05, step_z * 0.4), 0.015)
    keys = [moved(LinearArray(key, columns, step_x), z=(i - (rows - 1) / 2) * step_z) for i in range(rows)]
    body = turned(Extrude(((-b, -thin), (b, -thin), (b, thin * 0.4), (-b, thin * 1.4)), a, 0.02), y=90)
    parts = [Part(body), Part(moved(Union(tuple(keys)), y=thin + 0.02), 1)]
    if dice.chance(0.3):
        parts.append(Part(moved(Box((a * 0.5, 0.05, 0.04)), y=thin + 0.02, z=b * 0.9), 2))
    tilt = dice.pick((0, 0, 25))
    return solid(*(Part(turned(p.node, x=tilt), p.material) for p in parts))


def remote(dice: Dice) -> Solid:
    """Remote control, phone, calculator, razor, soap, mouse: a hand-sized slab with details."""
    a, b, c = dice.between(0.2, 0.45), dice.between(0.6, 1.0), dice.between(0.06, 0.16)
    body = Superquadric((a, b, c), dice.between(0.2, 0.6), dice.between(0.2, 0.5))
    parts = [Part(body if dice.chance(0.5) else Box((a, b, c), c * 0.6))]
    if dice.chance(0.5):
        parts.append(Part(moved(Box((a * 0.8, b * 0.3, 0.02)), y=b * 0.5, z=c * 0.97), 1))
    keys = buttons(dice, a * 0.75, b * 0.4, c * 0.98, 2)
    parts.append(Part(moved(keys.node, y=-b * 0.25), 2))
    if dice.chance(0.3):
        parts.append(Part(rod((a * 0.7, b * 0.9, 0), (a * 0.7, b * dice.between(1.1, 1.5), 0), 0.045), 1))
    turn = dice.pick((rotation(x=-90), rotation(x=-90, y=40), rotation(), rotation(x=-35)))
    return solid(*(Part(Placed(p.node, turn=turn), p.material) for p in parts))


def toaster(dice: Dice) -> Solid:
    """Toaster, tissue box, letter box: slots cut into a rounded body."""
    a, b, c = dice.between(0.5, 0.75), dice.between(0.35, 0.5), dice.between(0.25, 0.45)
    slots = moved(Mirror(moved(Box((a * 0.75, 0.3, c * 0.16)), z=c * 0.4), "z"), y=b)
    body = Difference(block(dice, a, b, c), slots)
    parts = [
        Part(body),
        Part(moved(Box((0.09, 0.04, 0.1), 0.02), x=a + 0.06, y=b * 0.3), 1),
        Part(moved(Box((a * 0.95, 0.07, c * 0.95), 0.03), y=-b), 2),
    ]
    if dice.chance(0.5):
        parts.append(Part(moved(turned(knob(dice, 0.06), x=90), y=-b * 0.4, z=c), 1))
    if dice.chance(0.4):
        bread = moved(Mirror(moved(Box((a * 0.6, 0.3, c * 0.1), 0.05), z=c * 0.4), "z"), y=b * 0.9)
        parts.append(Part(bread, 3))
    return solid(*parts)


def coffee_maker(dice: Dice) -> Solid:
    """Coffee machine, blender, sewing machine: a column carries a head over a base with a pot."""
    wide, tall = dice.between(0.3, 0.42), dice.between(0.6, 0.85)
    base = moved(Box((wide, 0.08, 0.5), 0.03), y=-tall)
    column = moved(block(dice, wide, tall, 0.17), z=-0.35)
    head_ = moved(block(dice, wide, dice.between(0.12, 0.25), 0.48), y=tall)
    radius = dice.between(0.18, 0.28)
    curve = profile(dice, -tall + 0.08, dice.between(-0.1, 0.3), radius, 4, 1.3)
    pot = moved(Lathe(outlines.filled(curve)), z=0.15)
    grip = moved(
        Tube(((0, -0.05, radius), (0, -0.1, radius + 0.25), (0, -tall * 0.7, radius + 0.2)), (0.04,) * 3), z=0.15
    )
    parts = [Part(base), Part(column, dice.count(0, 1)), Part(head_, dice.count(0, 1)), Part(pot, 2), Part(grip, 3)]
    if dice.chance(0.5):
        parts.append(Part(moved(buttons(dice, wide * 0.7, 0.08, 0.46, 3).node, y=tall), 3))
    return solid(*parts)


def clock(dice: Dice) -> Solid:
    """Alarm clock, wall clock, scale, gauge: a dial in a case."""
    radius, deep = dice.between(0.5, 0.75), dice.between(0.08, 0.35)
    case = turned(Cylinder(radius, deep, 0.05), x=90) if dice.chance(0.7) else Box((radius, radius, deep), 0.06)
    rim = moved(turned(Torus(radius * 0.93, 0.06), x=90), z=deep)
    dial = moved(turned(Cylinder(radius * 0.88, 0.02), x=90), z=deep)
    hands = Union(
        (rod((0, 0, 0), (0, radius * 0.6, 0), 0.03), rod((0, 0, 0), (radius * 0.4, dice.between(-0.3, 0.3), 0), 0.035))
    )
    parts = [Part(case), Part(rim, 1), Part(dial, 2), Part(moved(hands, z=deep + 0.03), 3)]
    if dice.chance(0.5):
        parts.append(Part(Mirror(rod((radius * 0.5, -radius * 0.7, 0), (radius * 0.75, -radius * 1.2, 0.05), 0.05)), 1))
    if dice.chance(0.35):
        parts.append(
            Part(Mirror(moved(turned(Superquadric((0.22, 0.14, 0.22)), z=-35), radius * 0.55, radius * 0.9)), 1)
        )
        parts.append(Part(rod((0, radius, 0), (0, radius * 1.25, 0), 0.04), 1))
    return solid(*parts)


def fan(dice: Dice) -> Solid:
    """Fan, windmill, propeller on a stand."""
    radius, blades = dice.between(0.5, 0.75), dice.count(3, 6)
    blade = Placed(Superquadric((radius * 0.42, 0.03, 0.17)), (radius * 0.5, 0, 0), rotation(x=dice.between(15, 35)))
    rotor = turned(Union((RadialArray(blade, blades), Cylinder(0.12, 0.1, 0.03))), x=90)
    parts = [Part(rotor, 1)]
    if dice.chance(0.6):
        ring = turned(Union((Torus(radius, 0.035), RadialArray(rod((0, 0.08, 0), (radius, 0.04, 0), 0.02), 12))), x=90)
        parts.append(Part(ring, 0))
    stem = dice.between(0.8, 1.4)
    parts.append(Part(rod((0, 0, -0.15), (0, -stem, -0.15), 0.06), 0))
    parts.append(Part(moved(turned(Cylinder(0.15, 0.14, 0.05), x=90), z=-0.16), 0))
    parts.append(Part(moved(Cylinder(dice.between(0.3, 0.5), 0.05, 0.03), y=-stem, z=-0.15), dice.count(0, 2)))
    return solid(*parts)


def headphones(dice: Dice) -> Solid:
    """Headphones, ear defenders, horseshoe, headband."""
    radius, cup_ = dice.between(0.55, 0.7), dice.between(0.2, 0.32)
    band = [(radius, -0.1, 0), (radius, 0.25, 0), (radius * 0.7, radius * 0.9, 0), (0, radius * 1.2, 0)]
    arch = Mirror(Tube(tuple(band), (0.05, 0.05, 0.06, 0.07)))
    shell = turned(dice.pick((Cylinder(cup_, 0.1, 0.04), Superquadric((cup_ * 1.25, 0.11, cup_)))), z=90)
    pad = turned(Torus(cup_ * 0.75, 0.08), z=90)
    return solid(
        Part(arch), Part(Mirror(moved(shell, radius, -0.25)), 1), Part(Mirror(moved(pad, radius - 0.12, -0.25)), 2)
    )


def mixer(dice: Dice) -> Solid:
    """Stand mixer, microscope, desk lamp-like machine: base, arm, head, bowl."""
    base = moved(Superquadric((0.35, 0.08, 0.65), 0.5, 0.3), y=-0.7)
    neck = Tube(((0, -0.7, -0.4), (0, 0.0, -0.45), (0, 0.25, -0.3)), (0.17, 0.13, 0.15))
    head_ = moved(turned(Superquadric((0.2, 0.2, 0.6), 0.9, 0.8), x=dice.between(-15, 5)), y=0.35, z=0.1)
    bowl = moved(Lathe(outlines.wall([(0.15, 0), (0.3, 0.15), (0.36, 0.4)], 0.05, 0.06)), y=-0.62, z=0.25)
    whisk = rod((0, 0.2, 0.25), (0, -0.3, 0.25), 0.05)
    parts = [Part(base), Part(neck, 0, 0.06), Part(head_, dice.count(0, 1), 0.05), Part(whisk, 3)]
    if dice.chance(0.75):
        parts.append(Part(bowl, 2))
    return solid(*parts)


def machine(dice: Dice) -> Solid:
    """A boxy device of no special kind: recess, panel, keys, knobs, feet, grip, antennas."""
    a, b, c = dice.between(0.35, 0.9), dice.between(0.2, 0.7), dice.between(0.25, 0.7)
    body: Node = block(dice, a, b, c)
    if dice.chance(0.5):
        body = with_inset(dice, body, (a, b, c), dice.between(0.05, 0.5) * c)
    parts = [Part(body)]
    if dice.chance(0.5):
        parts.append(
            Part(moved(Box((a * dice.between(0.3, 0.8), b * dice.between(0.2, 0.6), 0.03), 0.01), y=b * 0.2, z=c), 1)
        )
    if dice.chance(0.5):
        keys = buttons(dice, a * 0.6, b * 0.2, c, 2)
        parts.append(Part(moved(keys.node, y=-b * 0.6), 2))
    for _ in range(dice.count(0, 3)):
        parts.append(
            Part(moved(turned(knob(dice, 0.07), x=90), dice.between(-0.8, 0.8) * a, dice.between(-0.8, 0.8) * b, c), 3)
        )
    if dice.chance(0.5):
        parts.append(Part(Mirror(moved(Cylinder(0.07, 0.06, 0.01), a * 0.75, -b - 0.03, c * 0.7), "xz"), 3))
    if dice.chance(0.3):
        grip = Tube(((-a * 0.6, 0, 0), (-a * 0.5, 0.2, 0), (a * 0.5, 0.2, 0), (a * 0.6, 0, 0)), (0.05,) * 4)
        parts.append(Part(moved(grip, y=b), 1))
    if dice.chance(0.25):
        mast = rod((0, 0, 0), (dice.between(-0.3, 0.3), dice.between(0.4, 0.8), 0), 0.035)
        parts.append(Part(Mirror(moved(mast, a * 0.7, b, -c * 0.7)), 3))
    return solid(*parts)


def controller(dice: Dice) -> Solid:
    """Game controller, steering wheel, handlebar."""
    if dice.chance(0.3):
        radius = dice.between(0.6, 0.8)
        spokes = RadialArray(rod((0, 0, 0), (radius, 0, 0), 0.06), dice.count(2, 4))
        wheel = Union((Torus(radius, dice.between(0.06, 0.1)), spokes, Cylinder(0.2, 0.09, 0.04)))
        return solid(
            Part(turned(wheel, x=dice.pick((90, 50)))),
            Part(turned(Cylinder(0.13, 0.12, 0.03), x=dice.pick((90, 50))), 1),
        )
    body = Superquadric((0.55, 0.14, 0.3), 0.5, 0.6)
    horn = Mirror(Tube(((0.45, 0, 0), (0.65, -0.03, 0.2), (0.7, -0.08, 0.55)), (0.2, 0.17, 0.12)))
    sticks = Mirror(
        moved(Union((rod((0, 0, 0), (0, 0.15, 0), 0.05), moved(Cylinder(0.09, 0.03, 0.01), y=0.18))), 0.25, 0.08, 0.15)
    )
    keys = moved(RadialArray(moved(Ball(0.05), x=0.1), 4), x=0.45, y=0.13, z=-0.05)
    return solid(
        Part(body),
        Part(horn, 0, 0.12),
        Part(sticks, 1),
        Part(keys, 2),
        Part(moved(Box((0.12, 0.03, 0.05)), x=-0.45, y=0.13), 2),
    )
