"""Vessels: turned bodies, open or closed, with handles, lids, spouts and stems."""

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Union
from ..node import Node
from ..primitives import Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..profiles import Extrude, Lathe
from ..solid import Part, Solid
from ..space import Mirror, RadialArray, moved, turned
from ..warp import Bumpy, Twist
from .kit import bail, ear_handle, knob, profile, rod, solid


def vessel(dice: Dice) -> Solid:
    """A random kind of vessel."""
    kinds = (vase, bottle, cup, bowl, jar, teapot, pan, bucket, stem_glass, square_box, jug)
    return dice.weighted(kinds, (2, 3, 3, 2, 2, 1, 1.5, 1, 1, 1, 1))(dice)


def vase(dice: Dice) -> Solid:
    """Free profile, hollow, sometimes twisted flutes or two ears."""
    height, mean = dice.between(0.6, 1.1), dice.between(0.25, 0.6)
    curve = profile(dice, -height, height, mean, dice.count(4, 6))
    body: Node = Lathe(outlines.wall(curve, dice.between(0.05, 0.09), 0.1))
    if dice.chance(0.15):
        lobes = dice.count(5, 9)
        shape = Extrude(outlines.wavy(lobes, mean, mean * 0.1), height)
        body = Twist(turned(shape, x=90), dice.between(-1.5, 1.5), (height**2 + (mean * 1.1) ** 2) ** 0.5)
        body = Difference(body, moved(Cylinder(mean * 0.75, height), y=0.12))
    parts = [Part(body)]
    if dice.chance(0.25):
        at = max(r for r, h in curve if abs(h) < height * 0.5)
        parts.append(Part(Mirror(ear_handle(dice, at, -height * 0.3, height * 0.4, 0.05)), dice.count(0, 1)))
    if dice.chance(0.2):
        parts.append(Part(moved(Torus(curve[-1][0], 0.05), y=height), 1))
    return solid(*parts)


def bottle(dice: Dice) -> Solid:
    """Closed body with shoulder, neck and cap: round, oval or square; sprayers and pumps too."""
    height, radius = dice.between(0.75, 1.1), dice.between(0.22, 0.5)
    neck, shoulder = radius * dice.between(0.25, 0.7), height * dice.between(0.1, 0.75)
    waist = radius * dice.weighted((1.0, dice.between(0.75, 1.0)), (2, 1))
    curve = [
        (radius * 0.93, -height),
        (radius, -height * 0.93),
        (waist, -height * 0.3),
        (radius, shoulder - height * 0.1),
    ]
    curve += [(radius * 0.8, shoulder + (height - shoulder) * 0.25), (neck, shoulder + (height - shoulder) * 0.6)]
    curve = outlines.spline([*curve, (neck, height)], 4)
    kind = dice.weighted(("round", "oval", "square"), (3, 1.5, 1.5))
    if kind == "round":
        body: Node = Lathe(outlines.filled(curve))
    else:
        flat = dice.between(0.45, 0.8)
        east = 1.0 if kind == "oval" else dice.between(0.15, 0.4)
        trunk = Superquadric((radius, (shoulder + height) / 2, radius * flat), east, dice.between(0.1, 0.4))
        body = Union(
            (
                moved(trunk, y=(shoulder - height) / 2),
                moved(Cylinder(neck, (height - shoulder) / 2 + 0.1), y=(height + shoulder) / 2 - 0.1),
            ),
            0.1,
        )
    parts = [Part(body)]
    parts += _closure(dice, neck, height)
    if dice.chance(0.4) and kind == "round":
        band = dice.between(0.2, 0.5) * (shoulder + height) / 2
        parts.append(Part(moved(Cylinder(radius * 1.012, band), y=(shoulder - height) / 2), 2))
    if dice.chance(0.12):
        parts.append(Part(ear_handle(dice, radius * 0.85, -height * 0.3, shoulder, 0.07)))
    return solid(*parts)


def _closure(dice: Dice, neck: float, top: float) -> list[Part]:
    """Cap, cork, pump or trigger on a bottle's neck."""
    kind = dice.weighted(("cap", "wide", "pump", "trigger", "open", "cone"), (4, 2, 1, 1, 1, 1))
    if kind == "cap":
        return [Part(moved(Cylinder(neck * 1.2, dice.between(0.05, 0.14), 0.02), y=top), 1)]
    if kind == "wide":
        return [Part(moved(Cylinder(neck * dice.between(1.3, 1.8), dice.between(0.08, 0.22), 0.03), y=top), 1)]
    if kind == "cone":
        return [Part(moved(Cone(neck * 1.15, neck * 0.4, dice.between(0.1, 0.25), 0.02), y=top + 0.08), 1)]
    if kind == "pump":
        stem = Tube(((0, top, 0), (0, top + 0.28, 0), (dice.between(0.2, 0.4), top + 0.25, 0)), (0.045, 0.05, 0.035))
        return [Part(moved(Cylinder(neck * 1.2, 0.07), y=top), 1), Part(stem, 1)]
    if kind == "trigger":
        head = moved(Box((0.24, 0.09, 0.08), 0.05), x=0.06, y=top + 0.2)
        trigger = Tube(((0.15, top + 0.15, 0), (0.2, top, 0), (0.16, top - 0.15, 0)), (0.03, 0.035, 0.025))
        return [Part(moved(Cylinder(neck * 1.2, 0.13), y=top), 1), Part(head, 1), Part(trigger, dice.count(1, 2))]
    return [Part(moved(Torus(neck, 0.03), y=top), 0)]


def cup(dice: Dice) -> Solid:
    """Mug, tumbler or paper cup."""
    height, top = dice.between(0.35, 0.8), dice.between(0.35, 0.6)
    bottom = top * dice.weighted((1.0, dice.between(0.6, 0.95)), (1, 2))
    bulge = top * dice.pick((1.0, 1.0, dice.between(0.95, 1.25)))
    middle = (bottom + top) / 2 * bulge / top
    curve = outlines.spline([(bottom * 0.95, -height), (bottom, -height + 0.05), (middle, 0.0), (top, height)], 5)
    full = dice.weighted((0.08 / height, dice.between(1.2, 1.75), 2.0), (11, 6, 3))  # empty, filled, with a lid
    parts = [Part(Lathe(outlines.wall(curve, dice.between(0.045, 0.08), full * height)))]
    if dice.chance(0.7):
        low, high = -height * dice.between(0.4, 0.75), height * dice.between(0.4, 0.75)
        attach = min(middle, (bottom + middle) / 2, (top + middle) / 2)
        handle = ear_handle(dice, attach, low, high, dice.between(0.04, 0.07))
        parts.append(Part(Difference(handle, Cylinder(bottom * 0.85, height * 2)), dice.weighted((0, 1), (3, 1))))
    if full == 2.0:
        parts.append(Part(moved(Cylinder(top * 1.04, 0.05, 0.02), y=height), 2))
    elif full > 1:
        parts.append(Part(moved(Cylinder(min(middle, top) * 0.95, 0.03), y=height * (full - 1)), 2))
    return solid(*parts)


def bowl(dice: Dice) -> Solid:
    """Bowl, plate or dish, round or not, sometimes on a foot."""
    height, radius = dice.between(0.08, 0.55), dice.between(0.7, 1.0)
    foot = radius * dice.between(0.3, 0.7)
    curve = [(foot, -height), (radius * dice.between(0.6, 0.95), -height * dice.between(-0.1, 0.6)), (radius, height)]
    parts = [Part(Lathe(outlines.wall(outlines.spline(curve, 6), dice.between(0.05, 0.09), dice.between(0.06, 0.1))))]
    if dice.chance(0.3):
        ring = (
            (foot * 0.75, -height - 0.1),
            (foot * 0.85, -height - 0.1),
            (foot * 0.85, -height + 0.06),
            (foot * 0.75, -height + 0.06),
        )
        parts.append(Part(Lathe(ring)))
    for _ in range(dice.pick((0, 0, 0, dice.count(2, 6)))):  # something in it
        size, angle_x, angle_z = dice.between(0.15, 0.3), dice.between(-0.4, 0.4), dice.between(-0.4, 0.4)
        fruit = Superquadric((size, size * dice.between(0.7, 1.2), size))
        parts.append(
            Part(moved(fruit, angle_x * radius, -height + 0.1 + size * 0.9, angle_z * radius), dice.count(1, 3))
        )
    return solid(*parts)


def jar(dice: Dice) -> Solid:
    """Jar, tin or canister with a lid; often a knob on it or a label around it."""
    height, radius = dice.between(0.4, 0.95), dice.between(0.35, 0.75)
    curve = profile(dice, -height, height, radius, dice.count(3, 5), dice.pick((1.02, 1.15, 1.35)))
    rim = curve[-1][0]
    parts = [Part(Lathe(outlines.filled(curve)))]
    if dice.chance(0.5):
        parts.append(Part(moved(Cylinder(rim * dice.between(0.9, 1.12), dice.between(0.05, 0.2), 0.03), y=height), 1))
    else:
        parts.append(Part(moved(Superquadric((rim * 1.02, dice.between(0.1, 0.35), rim * 1.02)), y=height), 1))
        parts.append(Part(moved(knob(dice, dice.between(0.07, 0.14)), y=height + 0.12), dice.count(1, 2)))
    if dice.chance(0.2):
        parts.append(Part(Mirror(ear_handle(dice, radius * 0.9, -0.1, height * 0.6, 0.06)), 2))
    return solid(*parts)


def teapot(dice: Dice) -> Solid:
    """Round body, lid with knob, spout and handle; kettles with a bail."""
    radius, squash = dice.between(0.5, 0.65), dice.between(0.65, 1.1)
    body = Superquadric((radius, radius * squash, radius), 1.0, dice.between(0.6, 1.1))
    high = radius * squash
    tip = (-radius - dice.between(0.25, 0.5), high * dice.between(0.4, 1.0), 0.0)
    spout = Tube(((-radius * 0.6, -high * 0.3, 0), (-radius - 0.15, -high * 0.05, 0), tip), (0.16, 0.1, 0.06))
    parts = [Part(body), Part(spout, 0, 0.08)]
    parts.append(Part(moved(Superquadric((radius * 0.55, 0.12, radius * 0.55)), y=high * 0.93), dice.count(0, 1)))
    parts.append(Part(moved(knob(dice, dice.between(0.06, 0.11)), y=high + 0.06), dice.count(0, 1)))
    if dice.chance(0.3):
        parts.append(Part(moved(bail(dice, radius * 0.8, radius * 1.2, 0.05), y=high * 0.5), 2))
    else:
        parts.append(Part(ear_handle(dice, radius * 0.85, -high * 0.4, high * 0.6, 0.06), dice.pick((0, 2))))
    return solid(*parts)


def pan(dice: Dice) -> Solid:
    """Frying pan, saucepan or ladle; pots get two grips and sometimes a lid."""
    radius, height = dice.between(0.5, 0.75), dice.between(0.08, 0.45)
    curve = [(radius * dice.between(0.75, 1.0), -height), (radius, height)]
    closed = dice.chance(0.35)
    parts = [Part(Lathe(outlines.wall(curve, 0.05, 1.9 * height if closed else 0.06)))]
    if dice.chance(0.65):
        end = radius + dice.between(0.6, 1.2)
        lift, thick = dice.between(0, 0.25), dice.between(0.045, 0.08)
        parts.append(Part(rod((radius * 0.97, height * 0.7, 0), (end, height * 0.7 + lift, 0), thick), 1))
        if dice.chance(0.4):
            parts.append(Part(moved(turned(Torus(0.08, 0.03), x=0), end + 0.1, height * 0.7 + lift, 0), 1))
    else:
        grip = Tube(
            ((radius * 0.97, 0, -0.22), (radius + 0.17, 0, -0.18), (radius + 0.17, 0, 0.18), (radius * 0.97, 0, 0.22)),
            (0.04,) * 4,
        )
        parts.append(Part(Mirror(moved(grip, y=height * 0.6)), dice.count(0, 1)))
    if closed:
        parts.append(Part(moved(Superquadric((radius * 1.02, dice.between(0.06, 0.2), radius * 1.02)), y=height), 2))
        parts.append(Part(moved(knob(dice, 0.09), y=height + 0.1), 1))
    return solid(*parts)


def bucket(dice: Dice) -> Solid:
    """Bucket, basket or bin with a bail or a rim."""
    height, top = dice.between(0.5, 0.9), dice.between(0.45, 0.7)
    bottom = top * dice.between(0.6, 1.0)
    body: Node = Lathe(outlines.wall([(bottom, -height), (top, height)], 0.06, 0.08))
    if dice.chance(0.3):  # slots around, as a basket
        slot = moved(Box((0.3, height * 0.6, 0.035)), x=(top + bottom) / 2)
        body = Difference(body, RadialArray(slot, dice.count(8, 14)))
    elif dice.chance(0.3):
        body = Bumpy(body, 0.012, dice.between(20, 30))
    parts = [Part(body), Part(moved(Torus(top, dice.between(0.035, 0.06)), y=height), dice.count(0, 1))]
    if dice.chance(0.6):
        parts.append(Part(moved(bail(dice, top, dice.between(0.4, 0.8), 0.035), y=height * 0.95), 2))
    return solid(*parts)


def stem_glass(dice: Dice) -> Solid:
    """Goblet, wine glass, cake stand, trophy."""
    radius, stem = dice.between(0.3, 0.5), dice.between(0.3, 0.8)
    depth = dice.between(0.15, 0.8)
    curve = outlines.spline(
        [(0.06, 0.0), (radius * 0.8, depth * 0.25), (radius, depth * 0.6), (radius * dice.between(0.75, 1.1), depth)], 5
    )
    bowl_ = Lathe(outlines.wall(curve, 0.05, 0.06))
    foot = Lathe(
        outlines.filled(
            outlines.spline(
                [(radius * 0.9, -stem), (radius * 0.8, -stem + 0.06), (0.06, -stem + 0.14), (0.05, 0.06)], 4
            )
        )
    )
    parts = [Part(bowl_), Part(foot, dice.pick((0, 0, 1)), 0.04)]
    if dice.chance(0.25):
        parts.append(Part(Mirror(ear_handle(dice, radius * 0.85, depth * 0.3, depth * 0.85, 0.04)), 1))
    return solid(*parts)


def square_box(dice: Dice) -> Solid:
    """Open tray, crate or drawer organiser, sometimes with dividers."""
    a, b, c = dice.between(0.5, 1.0), dice.between(0.12, 0.6), dice.between(0.4, 0.8)
    corner, thick = dice.pick((0.0, 0.05, 0.15)), dice.between(0.05, 0.09)
    body = Difference(Box((a, b, c), corner), moved(Box((a - thick, b, c - thick), corner * 0.7), y=thick))
    parts = [Part(body)]
    for _ in range(dice.pick((0, 0, 1, 2))):
        if dice.chance(0.5):
            parts.append(Part(moved(Box((0.03, b * 0.8, c * 0.97)), x=dice.between(-0.6, 0.6) * a, y=-b * 0.15)))
        else:
            parts.append(Part(moved(Box((a * 0.97, b * 0.8, 0.03)), y=-b * 0.15, z=dice.between(-0.6, 0.6) * c)))
    if dice.chance(0.3):
        parts.append(Part(moved(bail(dice, a * 0.95, dice.between(0.3, 0.7), 0.05), y=b * 0.8), 1))
    return solid(*parts)


def jug(dice: Dice) -> Solid:
    """Pitcher, watering can, detergent jug: body, handle, spout."""
    height, radius = dice.between(0.55, 0.9), dice.between(0.35, 0.5)
    curve = profile(dice, -height, height, radius, 4, 1.3)
    parts = [Part(Lathe(outlines.wall(curve, 0.06, 0.1)))]
    rim = curve[-1][0]
    parts.append(
        Part(ear_handle(dice, rim * 0.9, -height * 0.4, height * 0.8, dice.between(0.05, 0.08)), dice.count(0, 1))
    )
    if dice.chance(0.5):
        lip = Tube(((-rim * 0.9, height * 0.8, 0), (-rim - 0.2, height * 0.97, 0)), (0.14, 0.06))
        parts.append(Part(lip, 0, 0.05))
    else:
        tip = (-radius - dice.between(0.4, 0.8), height * dice.between(0.5, 1.1), 0)
        parts.append(Part(Tube(((-radius * 0.7, -height * 0.4, 0), tip), (0.1, 0.05)), dice.count(0, 1)))
        if dice.chance(0.4):
            parts.append(Part(moved(turned(Cone(0.06, 0.15, 0.08), z=55), *tip), 1))
    return solid(*parts)
