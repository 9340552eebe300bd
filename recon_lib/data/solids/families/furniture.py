"""Furniture: chairs, tables, shelves, cabinets, sofas, beds, lamps."""

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Shell, Union
from ..node import Node
from ..primitives import Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..profiles import Lathe
from ..solid import Part, Solid
from ..space import LinearArray, Mirror, RadialArray, moved, turned
from .kit import block, four_legs, knob, plate, rod, solid


def furniture(dice: Dice) -> Solid:
    """A random kind of furniture."""
    kinds = (chair, table, stool, shelf, cabinet, sofa, bed, lamp, bench)
    return dice.weighted(kinds, (3, 2.5, 1, 1.5, 2, 1.5, 1, 2, 0.7))(dice)


def chair(dice: Dice) -> Solid:
    """Seat on legs or a pedestal, a back, perhaps arms."""
    wide, deep, thick = dice.between(0.4, 0.6), dice.between(0.38, 0.55), dice.between(0.03, 0.12)
    height, tall = dice.between(0.5, 0.95), dice.between(0.4, 1.0)
    seat = dice.pick((Box((wide, thick, deep), thick * 0.5), block(dice, wide, thick, deep)))
    if dice.chance(0.15):
        seat = Cylinder((wide + deep) / 2, thick, thick * 0.4)
    parts = [Part(seat)]
    parts += _base(dice, wide * 0.85, deep * 0.85, height, -thick)
    parts += _back(dice, wide, deep, tall, thick)
    if dice.chance(0.35):
        level, front = dice.between(0.25, 0.45), deep * dice.between(0.5, 0.95)
        arm = Tube(((wide, level, -deep), (wide, level, front), (wide, 0, front)), (dice.between(0.035, 0.06),) * 3)
        parts.append(Part(Mirror(arm), dice.count(0, 2)))
    return solid(*parts)


def _base(dice: Dice, wide: float, deep: float, height: float, top: float) -> list[Part]:
    """What carries a seat or a top whose underside is at y = top."""
    kind = dice.weighted(("legs", "star", "disc", "sled", "panel"), (6, 1.2, 1, 0.8, 0.7))
    if kind == "legs":
        thick = dice.between(0.03, 0.08)
        legs = four_legs(dice, wide, deep, height, thick, dice.pick((0, 0, dice.between(3, 14))))
        parts = [Part(moved(legs, y=top), 1)]
        if dice.chance(0.35):
            low = top - height * dice.between(0.4, 0.75)
            parts.append(Part(Mirror(rod((wide, low, -deep), (wide, low, deep), 0.03)), 1))
            parts.append(Part(rod((-wide, low, 0), (wide, low, 0), 0.03), 1))
        return parts
    if kind == "star":
        foot = rod((0.05, 0, 0), (max(wide, deep), -0.06, 0), 0.045)
        star = moved(RadialArray(foot, dice.pick((3, 4, 5, 5))), y=top - height)
        return [Part(moved(Cylinder(dice.between(0.05, 0.09), height / 2), y=top - height / 2), 1), Part(star, 1)]
    if kind == "disc":
        radius = max(wide, deep) * dice.between(0.6, 1.0)
        curve = outlines.spline(
            [(radius, -height), (radius * 0.9, -height + 0.05), (0.1, -height * 0.8), (0.07, -height * 0.4), (0.12, 0)],
            4,
        )
        return [Part(moved(Lathe(outlines.filled(curve)), y=top), 1)]
    if kind == "sled":
        low, r = top - height, dice.between(0.03, 0.05)
        frame = Tube(((wide, top, deep), (wide, low, deep), (wide, low, -deep), (wide, top, -deep)), (r,) * 4)
        return [Part(Mirror(frame), 1)]
    panel = moved(Box((dice.between(0.03, 0.06), height / 2, deep)), x=wide, y=top - height / 2)
    return [Part(Mirror(panel), 1)]


def _back(dice: Dice, wide: float, deep: float, tall: float, thick: float) -> list[Part]:
    """A chair's back above y = 0 at z = -deep, leaning backwards."""
    kind = dice.weighted(("plate", "slats", "ladder", "cushion", "hoop", "none"), (3, 2, 1.5, 2, 1, 0.6))
    if kind == "none":
        return []
    post, slim = dice.between(0.03, 0.05), dice.between(0.03, 0.06)
    node: Node
    if kind == "plate":
        node = moved(block(dice, wide * dice.between(0.7, 1.0), tall / 2, slim), y=tall / 2)
    elif kind == "cushion":
        node = moved(Superquadric((wide, tall / 2, dice.between(0.08, 0.16)), 0.4, 0.5), y=tall / 2)
    elif kind == "slats":
        count = dice.count(3, 6)
        bars = LinearArray(moved(Box((slim * 0.7, tall / 2, 0.03)), y=tall / 2), count, 2 * wide * 0.9 / count)
        node = Union((bars, moved(Box((wide, 0.06, 0.04), 0.03), y=tall)))
    elif kind == "ladder":
        posts = Mirror(rod((wide * 0.9, 0, 0), (wide * 0.9, tall, 0), post))
        rungs = LinearArray(Box((0.05, wide * 0.9, 0.03), 0.02), dice.count(2, 4), tall * 0.28)
        node = Union((posts, moved(turned(rungs, z=90), y=tall * 0.58)))
    else:
        arch = [
            (-wide * 0.9, 0, 0),
            (-wide * 0.9, tall * 0.6, 0),
            (-wide * 0.5, tall * 0.95, 0),
            (wide * 0.5, tall * 0.95, 0),
        ]
        arch += [(wide * 0.9, tall * 0.6, 0), (wide * 0.9, 0, 0)]
        bars = LinearArray(rod((0, 0, 0), (0, tall * 0.9, 0), 0.025), dice.count(2, 5), wide * 0.35)
        node = Union((Tube(tuple(arch), (post,) * 6), bars))
    leaning = moved(turned(node, x=-dice.between(0, 16)), y=0.0, z=-deep + slim)
    posts = []
    if kind in ("plate", "cushion") and dice.chance(0.3):  # a gap below the back
        gap = dice.between(0.1, 0.25)
        leaning = moved(leaning, y=gap)
        posts = [Part(Mirror(rod((wide * 0.6, 0, -deep + slim), (wide * 0.6, gap + 0.15, -deep + slim), post)), 1)]
    return [Part(leaning, dice.weighted((0, 2), (2, 1)), 0.0), *posts]


def table(dice: Dice) -> Solid:
    """Top of any outline on any base; shelf or apron below."""
    wide, deep, thick = dice.between(0.6, 1.1), dice.between(0.4, 0.8), dice.between(0.025, 0.08)
    height = dice.between(0.4, 1.1)
    top: Node = Box((wide, thick, deep), dice.pick((0.0, thick * 0.8)))
    if dice.chance(0.35):
        wide = deep = (wide + deep) / 2
        top = dice.pick(
            (Cylinder(wide, thick, thick * 0.4), plate(outlines.regular(dice.count(5, 8), wide), 2 * thick))
        )
    elif dice.chance(0.3):
        top = Superquadric((wide, thick, deep), dice.between(0.3, 1.0), 0.15)
    spread = dice.between(0.6, 0.9)
    parts = [Part(top), *_base(dice, wide * spread, deep * spread, height, -thick)]
    if dice.chance(0.3):
        parts.append(
            Part(
                moved(Box((wide * spread, 0.03, deep * spread)), y=-height * dice.between(0.5, 0.85)), dice.count(0, 1)
            )
        )
    if dice.chance(0.3):
        parts.append(
            Part(moved(Box((wide * spread, height * 0.1, deep * spread)), y=-thick - height * 0.1), dice.count(0, 1))
        )
    if dice.chance(0.15):
        parts.append(Part(moved(block(dice, 0.15, 0.12, 0.12), dice.between(-0.4, 0.4), thick + 0.12, 0), 2))
    return solid(*parts)


def stool(dice: Dice) -> Solid:
    """Seat on legs, ottoman or bar stool with a ring."""
    radius, thick, height = dice.between(0.35, 0.55), dice.between(0.04, 0.15), dice.between(0.5, 1.3)
    seat = dice.pick(
        (Cylinder(radius, thick, thick * 0.6), Superquadric((radius, thick, radius), dice.between(0.2, 1), 0.4))
    )
    splay = dice.between(0, 12)
    legs = four_legs(dice, radius * 0.6, radius * 0.6, height, dice.between(0.035, 0.06), splay)
    parts = [Part(seat), Part(moved(legs, y=-thick * 0.5), 1)]
    if dice.chance(0.5):
        ring = radius * 0.85 + height * 0.6 * splay / 57 * 1.3
        parts.append(Part(moved(Torus(ring, 0.03), y=-height * 0.6), dice.count(1, 2)))
    return solid(*parts)


def shelf(dice: Dice) -> Solid:
    """Bookcase or rack with things on its boards."""
    wide, tall, deep, thick = dice.between(0.4, 0.9), dice.between(0.6, 1.1), dice.between(0.2, 0.4), 0.035
    boards, bays = dice.count(2, 5), dice.pick((1, 1, 2))
    step = 2 * (tall - thick) / (boards - 1)
    if dice.chance(0.6):
        sides: Node = Mirror(moved(Box((thick, tall, deep)), x=wide - thick))
    else:
        sides = Mirror(moved(Box((thick, tall, thick)), wide - thick, 0, deep - thick), "xz")
    levels = turned(LinearArray(Box((thick, wide, deep)), boards, step), z=90)
    parts = [Part(sides), Part(levels, dice.count(0, 1))]
    if dice.chance(0.5):
        parts.append(Part(moved(Box((wide, tall, 0.025)), z=-deep + 0.025), dice.count(0, 1)))
    if bays == 2:
        parts.append(Part(Box((thick, tall, deep))))
    for _ in range(dice.count(0, 5)):
        size = (dice.between(0.06, 0.2), dice.between(0.1, 0.42) * step, dice.between(0.1, deep * 0.8))
        ground = -tall + thick + step * dice.count(0, boards - 2) + thick
        item = moved(
            block(dice, *size), dice.between(-0.7, 0.7) * wide, ground + size[1] * 0.98, dice.between(-0.2, 0.2) * deep
        )
        parts.append(Part(item, dice.count(2, 4)))
    return solid(*parts)


def cabinet(dice: Dice) -> Solid:
    """Chest of drawers, wardrobe, fridge, nightstand: fronts, gaps, knobs, feet."""
    wide, tall, deep = dice.between(0.4, 1.0), dice.between(0.4, 1.1), dice.between(0.3, 0.6)
    parts = [Part(Box((wide, tall, deep), dice.pick((0.0, 0.04))))]
    rows, columns = dice.count(1, 4), dice.count(1, 3 if wide > 0.6 else 2)
    gap, open_row = dice.between(0.03, 0.06), dice.pick((-1, -1, 0))
    half_x, half_y = wide / columns - gap, tall / rows - gap
    grip = dice.pick(("knob", "bar", "none"))
    for row in range(rows):
        y = -tall + (2 * row + 1) * tall / rows
        if row == open_row:
            hole = moved(Box((wide - 0.06, half_y, deep)), y=y, z=0.1)
            parts[0] = Part(Difference(parts[0].node, hole))
            continue
        xs = (2 * wide / columns, columns)
        front = moved(LinearArray(Box((half_x, half_y, 0.035), 0.02), xs[1], xs[0]), y=y, z=deep)
        parts.append(Part(front, dice.pick((0, 1, 1)) if row == 0 else parts[-1].material))
        if grip != "none":
            handle = (
                turned(knob(dice, 0.045), x=90) if grip == "knob" else moved(Box((half_x * 0.4, 0.025, 0.03)), z=0.04)
            )
            parts.append(Part(moved(LinearArray(handle, xs[1], xs[0]), y=y + half_y * 0.3, z=deep + 0.02), 2))
            parts[-1], parts[-2] = parts[-2], parts[-1]
    if dice.chance(0.6):
        parts.append(
            Part(
                moved(four_legs(dice, wide * 0.85, deep * 0.8, dice.between(0.1, 0.4), 0.05), y=-tall), dice.count(0, 2)
            )
        )
    if dice.chance(0.4):
        parts.append(Part(moved(Box((wide * 1.04, 0.035, deep * 1.06)), y=tall), dice.count(0, 2)))
    return solid(*parts)


def sofa(dice: Dice) -> Solid:
    """Armchair to couch: base, cushions, back, arms, feet."""
    seats = dice.count(1, 3)
    wide, deep, low = 0.42 * seats * dice.between(0.9, 1.1), dice.between(0.4, 0.55), dice.between(0.14, 0.25)
    soft = dice.between(0.2, 0.6)
    parts = [Part(Box((wide, low, deep), dice.between(0.02, 0.1)))]
    cushion = Superquadric((wide / seats * 0.98, 0.1, deep * 0.9), soft, soft)
    parts.append(Part(moved(LinearArray(cushion, seats, 2 * wide / seats), y=low + 0.07, z=0.06), dice.pick((0, 1))))
    tall = dice.between(0.3, 0.5)
    parts.append(
        Part(
            moved(Superquadric((wide, tall, dice.between(0.1, 0.16)), 0.3, soft), y=low + tall * 0.6, z=-deep * 0.9), 0
        )
    )
    if dice.chance(0.85):
        arm_high = dice.between(0.15, tall)
        arm = Superquadric((dice.between(0.07, 0.14), low + arm_high / 2, deep), 0.3, dice.between(0.2, 0.8))
        parts.append(Part(Mirror(moved(arm, x=wide, y=arm_high / 2)), 0))
    parts.append(Part(moved(four_legs(dice, wide * 0.9, deep * 0.85, dice.between(0.06, 0.25), 0.045), y=-low), 2))
    if dice.chance(0.4):
        pillow = turned(Superquadric((0.2, 0.2, 0.09), 0.5, 0.6), x=-20, z=dice.between(-20, 20))
        parts.append(Part(moved(pillow, dice.between(-0.6, 0.6) * wide, low + 0.32, -deep * 0.55), 3))
    return solid(*parts)


def bed(dice: Dice) -> Solid:
    """Frame, mattress, headboard, pillows, blanket."""
    wide, long, low = dice.between(0.45, 0.85), 1.0, dice.between(0.08, 0.18)
    parts = [
        Part(Box((wide, low, long), 0.02)),
        Part(moved(Box((wide * 0.96, 0.12, long * 0.97), 0.08), y=low + 0.1), 1),
    ]
    parts.append(Part(moved(block(dice, wide, dice.between(0.3, 0.6), 0.05), y=low + 0.2, z=-long), dice.pick((0, 2))))
    if dice.chance(0.4):
        parts.append(Part(moved(Box((wide, dice.between(0.15, 0.35), 0.05), 0.03), y=low, z=long), 0))
    pillow = moved(Superquadric((wide * 0.42, 0.09, 0.2), 0.5, 0.6), x=wide * 0.48)
    parts.append(Part(moved(Mirror(pillow), y=low + 0.26, z=-long * 0.7), 3))
    if dice.chance(0.6):
        parts.append(Part(moved(Box((wide * 1.02, 0.13, long * 0.55), 0.09), y=low + 0.12, z=long * 0.43), 4))
    parts.append(Part(moved(four_legs(dice, wide * 0.9, long * 0.92, dice.between(0.1, 0.3), 0.05), y=-low), 0))
    return solid(*parts)


def lamp(dice: Dice) -> Solid:
    """Table or floor lamp, desk lamp with an arm, pendant."""
    kind = dice.weighted(("table", "desk", "pendant"), (3, 2, 1))
    shade_low, shade_top, tall = dice.between(0.25, 0.5), dice.between(0.12, 0.4), dice.between(0.15, 0.35)
    shade: Node = Difference(
        Cone(shade_low, shade_top, tall), moved(Cone(shade_low - 0.05, shade_top - 0.05, tall), y=-0.06)
    )
    reach = (shade_low + shade_top) / 2 - 0.02
    if dice.chance(0.25):
        reach = shade_low - 0.03
        shade = Difference(
            Shell(Superquadric((shade_low, tall, shade_low)), 0.06), moved(Box((1, 1, 1)), y=-1 - tall * 0.3)
        )
    if kind == "table":
        stem = dice.between(0.4, 1.2)
        foot = [(dice.between(0.2, 0.35), -stem), (0.2, -stem + 0.06)]
        middle = [(dice.between(0.04, 0.25), -stem + (stem + 0.1) * i / 4) for i in range(1, 4)]
        body = Lathe(outlines.filled(outlines.spline([*foot, *middle, (0.035, tall)], 4)))
        spider = RadialArray(rod((0, tall, 0), (reach, tall, 0), 0.022), 3)
        return solid(Part(Union((body, spider))), Part(moved(shade, y=tall), 1))
    if kind == "desk":
        elbow, tip = (
            (-dice.between(0.2, 0.5), dice.between(0.4, 0.7), 0),
            (dice.between(0.2, 0.5), dice.between(0.6, 1.1), 0),
        )
        head = turned(Cone(0.28, 0.1, 0.18, 0.02), z=dice.between(10, 50))
        base = Cylinder(dice.between(0.25, 0.4), 0.05, 0.02)
        return solid(
            Part(base), Part(Tube(((0, 0, 0), elbow, tip), (0.035,) * 3), 1), Part(moved(head, *tip), dice.count(0, 2))
        )
    cord = rod((0, tall * 0.9, 0), (0, tall + dice.between(0.4, 0.9), 0), 0.03)
    cover = moved(Cylinder(shade_top, 0.03, 0.01), y=tall * 0.85)
    arms = [Part(Union((shade, cover))), Part(cord, 1)]
    if dice.chance(0.4):
        arm = Tube(((0, 0.3, 0), (0.4, 0.1, 0), (0.6, 0.25, 0)), (0.035,) * 3)
        bulb = moved(Superquadric((0.14, 0.18, 0.14)), 0.6, 0.35, 0)
        arms = [Part(RadialArray(Union((arm, bulb)), dice.count(3, 6))), Part(cord, 1)]
    return solid(*arms)


def bench(dice: Dice) -> Solid:
    """Garden bench of slats, with or without a back."""
    wide, slats = dice.between(0.8, 1.1), dice.count(3, 5)
    seat = turned(LinearArray(Box((0.06, 0.03, wide), 0.01), slats, 0.15), y=90)
    deep = slats * 0.075
    legs = four_legs(dice, wide * 0.85, deep * 0.9, dice.between(0.35, 0.55), 0.05)
    parts = [Part(seat), Part(moved(legs, y=-0.02), 1)]
    parts.append(Part(Mirror(moved(Box((0.05, 0.03, deep)), wide * 0.85, -0.04)), 1))
    if dice.chance(0.7):
        rows = turned(LinearArray(Box((0.06, wide, 0.03), 0.01), dice.count(2, 4), 0.16), z=90)
        back = turned(moved(rows, y=0.35), x=-12)
        posts = turned(Mirror(rod((wide * 0.8, 0, -0.05), (wide * 0.8, 0.65, -0.05), 0.04)), x=-12)
        parts += [Part(moved(back, z=-deep)), Part(moved(posts, z=-deep), 1)]
    return solid(*parts)
