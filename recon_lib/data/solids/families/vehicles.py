"""Vehicles and buildings, mostly as toys: cars, trucks, aeroplanes, boats, trains, houses, towers. Front is +z."""

from ...dice import Dice
from .. import outlines
from ..combine import Difference, Union
from ..node import Node
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..profiles import Extrude, Lathe
from ..solid import Part, Solid
from ..space import LinearArray, Mirror, Placed, RadialArray, moved, rotation, turned
from .kit import block, rod, solid, wheel


def vehicle(dice: Dice) -> Solid:
    """A random vehicle or building."""
    kinds = (car, truck, bus, plane, rocket, boat, train, bicycle, cannon, house, tower)
    return dice.weighted(kinds, (2.5, 1.5, 1, 1.5, 0.7, 1.2, 1, 0.8, 0.5, 1.2, 0.8))(dice)


def _wheels(dice: Dice, wide: float, axles: tuple[float, ...], radius: float, low: float) -> list[Part]:
    """Pairs of wheels at the given z."""
    one = wheel(dice, radius, dice.between(0.3, 0.6) * radius + 0.03)
    return [Part(Mirror(Union(tuple(moved(one, wide, low, z) for z in axles))), 3)]


def car(dice: Dice) -> Solid:
    """Saloon, van, pick-up, racing car: an extruded side view, rounded, on four wheels."""
    long, wide, low = dice.between(0.75, 0.95), dice.between(0.32, 0.45), dice.between(0.14, 0.24)
    roof = low + dice.between(0.12, 0.35)
    front, back = dice.between(0.15, 0.5), dice.between(-0.9, -0.3)
    side = [(-long, -low), (long, -low), (long, low * dice.between(0.0, 0.7)), (front + 0.2, low)]
    side += [
        (front - 0.1, roof),
        (back * long + 0.15, roof),
        (back * long - dice.between(0.0, 0.15), low),
        (-long, low * dice.between(0.5, 1.0)),
    ]
    outline = tuple(side) if dice.chance(0.5) else outlines.spline(side, 3, closed=True)
    body: Node = turned(Extrude(outline, wide, dice.between(0.02, 0.12)), y=-90)
    radius = low * dice.between(0.75, 1.1)
    axles = (long * 0.6, -long * 0.6)
    arches = Mirror(Union(tuple(moved(turned(Cylinder(radius * 1.15, 0.16), z=90), wide, -low, z) for z in axles)))
    parts = [Part(Difference(body, arches)), *_wheels(dice, wide * 0.92, axles, radius, -low)]
    glass = [((u - front * 0.5) * 0.8 + front * 0.5, low + (v - low) * 0.8 + 0.01) for u, v in side[3:7]]
    if dice.chance(0.7) and roof - low > 0.15:
        parts.append(Part(turned(Extrude(tuple(glass), wide * 1.012), y=-90), 1))
    parts.append(Part(Mirror(moved(Ball(0.07), wide * 0.65, 0.0, long * 0.97)), 2))
    parts.append(Part(Mirror(moved(Box((wide * 1.0, 0.04, 0.04), 0.02), y=-low * 0.7, z=long), "z"), dice.count(1, 2)))
    if dice.chance(0.25):
        parts.append(Part(moved(block(dice, wide * 0.7, 0.06, 0.15), y=roof + 0.05, z=-0.1), 2))
    if dice.chance(0.2):
        parts.append(Part(moved(Box((wide, 0.03, 0.1)), y=low + 0.2, z=-long * 0.95), 2))
        parts.append(
            Part(Mirror(rod((wide * 0.7, low * 0.6, -long * 0.9), (wide * 0.7, low + 0.2, -long * 0.95), 0.03)), 2)
        )
    return solid(*parts)


def truck(dice: Dice) -> Solid:
    """Lorry, fire engine, tipper, tractor: cab, load, wheels."""
    wide, low = dice.between(0.28, 0.38), dice.between(0.1, 0.16)
    cab_high = dice.between(0.25, 0.42)
    parts = [Part(moved(Box((wide * 0.8, low * 0.6, 0.95), 0.02), y=0), 2)]
    cab: Node = moved(block(dice, wide, cab_high, 0.25), y=cab_high, z=0.65)
    parts.append(Part(cab))
    parts.append(Part(moved(Box((wide * 0.85, cab_high * 0.35, 0.26)), y=cab_high * 1.35, z=0.66), 1))
    load_high = dice.between(0.15, 0.5)
    kind = dice.pick(("box", "open", "tank", "ladder", "logs"))
    if kind == "box":
        load: Node = Box((wide * 1.05, load_high, 0.6), 0.02)
    elif kind == "open":
        load = Difference(
            Box((wide * 1.05, load_high * 0.6, 0.6)), moved(Box((wide * 0.92, load_high * 0.6, 0.53)), y=0.07)
        )
    elif kind == "tank":
        load = turned(Cylinder(load_high * 0.8, 0.6, 0.1), x=90)
    elif kind == "ladder":
        rails = Union(
            (
                Mirror(moved(Box((0.035, 0.03, 0.8)), x=0.15)),
                turned(LinearArray(Box((0.025, 0.03, 0.15)), 7, 0.2), y=90),
            )
        )
        load = Union(
            (Box((wide, load_high * 0.6, 0.6), 0.03), moved(turned(rails, x=dice.between(0, 25)), y=load_high * 0.75))
        )
    else:
        load = Union(
            tuple(moved(turned(Cylinder(0.13, 0.6), x=90), x, y, 0) for x, y in ((-0.14, 0), (0.14, 0), (0, 0.22)))
        )
    parts.append(Part(moved(load, y=low + load_high * 0.9, z=-0.3), 4))
    radius = dice.between(0.13, 0.22)
    parts += _wheels(dice, wide, dice.pick(((0.6, -0.6), (0.65, -0.35, -0.7))), radius, -low)
    return solid(*parts)


def bus(dice: Dice) -> Solid:
    """Bus, van, caravan, tram: a box with window rows."""
    wide, high, long = dice.between(0.28, 0.4), dice.between(0.3, 0.6), dice.between(0.6, 1.0)
    parts = [Part(Box((wide, high, long), dice.between(0.03, 0.15)))]
    count = dice.count(3, 6)
    window = Box((long * 0.75 / count, high * 0.22, wide * 1.015), 0.02)
    row = turned(LinearArray(window, count, 1.8 * long / count), y=90)
    parts.append(Part(moved(row, y=high * 0.4), 1))
    if high > 0.45:
        parts.append(Part(moved(row, y=-high * 0.3), 1))
    parts.append(Part(Mirror(moved(Box((wide * 0.8, high * 0.25, 0.02)), y=high * 0.4, z=long), "z"), 1))
    parts += _wheels(dice, wide * 0.9, (long * 0.6, -long * 0.6), dice.between(0.13, 0.2), -high)
    if dice.chance(0.3):
        parts.append(Part(moved(Box((wide * 0.7, 0.06, long * 0.5), 0.03), y=high + 0.04), 2))
    return solid(*parts)


def plane(dice: Dice) -> Solid:
    """Aeroplane, glider, helicopter, drone."""
    thick, long = dice.between(0.12, 0.22), dice.between(0.7, 0.95)
    hull = Superquadric((thick, thick * dice.between(0.9, 1.3), long), 1.0, 1.0)
    parts = [
        Part(
            hull
            if dice.chance(0.6)
            else Tube(((0, 0, long), (0, 0, 0), (0, 0.08, -long)), (thick * 0.7, thick, thick * 0.3))
        )
    ]
    parts.append(Part(moved(Superquadric((thick * 0.7, thick * 0.7, long * 0.28)), y=thick * 0.6, z=long * 0.35), 1))
    if dice.chance(0.3):  # helicopter
        blades = RadialArray(moved(Box((0.4, 0.025, 0.06), 0.01), x=0.45), dice.count(2, 4))
        parts += [Part(rod((0, thick, 0), (0, thick + 0.25, 0), 0.04), 2), Part(moved(blades, y=thick + 0.25), 2)]
        skid = Tube(((0.25, -thick - 0.15, 0.45), (0.25, -thick - 0.2, 0.3), (0.25, -thick - 0.2, -0.4)), (0.03,) * 3)
        parts += [
            Part(Mirror(skid), 2),
            Part(Mirror(rod((0.1, -thick * 0.6, 0.1), (0.25, -thick - 0.2, 0.1), 0.03)), 2),
        ]
    else:
        span, sweep, chord = dice.between(0.7, 1.0), dice.between(-0.1, 0.5), dice.between(0.15, 0.3)
        shape = ((0.0, chord), (span, chord * 0.4 - sweep), (span, -chord * 0.3 - sweep), (0.0, -chord))
        wing = Placed(Extrude(shape, 0.035, 0.015), turn=rotation(x=90))
        level = dice.pick((0.0, thick * 0.8, -thick * 0.6))
        parts.append(Part(Mirror(moved(wing, y=level, z=0.05)), dice.count(0, 2), 0.03))
        if dice.chance(0.25):
            parts.append(Part(Mirror(moved(wing, y=level + 0.4, z=0.05)), 2))
        if dice.chance(0.5):
            engine = turned(Cylinder(0.08, 0.18, 0.03), x=90)
            parts.append(Part(Mirror(moved(engine, span * 0.45, level - 0.1, 0.1 - sweep * 0.4)), 2))
        if dice.chance(0.5):
            prop = turned(RadialArray(moved(Superquadric((0.2, 0.03, 0.05)), x=0.2), dice.count(2, 4)), x=90)
            parts.append(Part(moved(prop, z=long + 0.02), 2))
    fin = Extrude(
        ((0.15, 0.0), (-0.1, dice.between(0.2, 0.45)), (-0.25, dice.between(0.2, 0.45)), (-0.2, 0.0)), 0.03, 0.01
    )
    parts.append(Part(moved(turned(fin, y=-90), y=0.04, z=-long * 0.85), dice.count(0, 2)))
    tail = Box((dice.between(0.25, 0.4), 0.03, 0.09), 0.02)
    parts.append(Part(moved(tail, y=dice.pick((0.05, 0.3)), z=-long * 0.92), dice.count(0, 2)))
    return solid(*parts)


def rocket(dice: Dice) -> Solid:
    """Rocket, missile, lighthouse, space capsule."""
    radius = dice.between(0.18, 0.35)
    curve = outlines.spline(
        [(radius * 0.7, -0.8), (radius, -0.3), (radius * 0.95, 0.2), (radius * 0.5, 0.7), (0.03, 1.0)], 5
    )
    parts = [Part(Lathe(outlines.filled(curve)))]
    fin = Extrude(((0.0, -0.2), (radius * 1.6, -0.75), (radius * 1.6, -1.05), (0.0, -0.75)), 0.04, 0.015)
    parts.append(Part(RadialArray(moved(fin, x=radius * 0.5), dice.pick((3, 4))), 1))
    parts.append(Part(moved(turned(Cylinder(radius * 0.45, 0.05, 0.02), x=90), y=0.15, z=radius * 0.93), 2))
    parts.append(Part(moved(Cone(radius * 0.8, radius * 0.4, 0.1), y=-0.88), 3))
    if dice.chance(0.4):
        parts.append(Part(Mirror(moved(Superquadric((0.12, 0.5, 0.12)), radius + 0.1, -0.4)), 1))
    return solid(*parts)


def boat(dice: Dice) -> Solid:
    """Boat, ship, canoe, bathtub: a hull with cabin, mast or sail."""
    wide, deep = dice.between(0.25, 0.4), dice.between(0.2, 0.4)
    hull: Node = Superquadric((wide, deep, 1.0), dice.between(0.6, 1.0), dice.between(0.7, 1.1))
    hull = Difference(hull, moved(Box((2, 1, 2)), y=1.0))
    if dice.chance(0.6):
        hull = Difference(hull, moved(Superquadric((wide - 0.06, deep - 0.05, 0.9), 0.8, 0.9), y=0.02))
    parts = [Part(hull)]
    kind = dice.pick(("sail", "cabin", "canoe", "ship"))
    if kind == "sail":
        parts.append(Part(rod((0, -deep * 0.8, 0.1), (0, 1.2, 0.1), 0.04), 1))
        sail = Extrude(((0.05, 0.15), (0.05, 1.15), (-0.75, 0.15)), 0.03)
        parts.append(Part(moved(turned(sail, y=-90 + dice.between(-15, 15)), z=0.05), 2))
        parts.append(Part(moved(turned(Extrude(((-0.05, 0.2), (-0.05, 1.0), (0.6, 0.1)), 0.025), y=-90), z=0.2), 2))
    elif kind == "cabin":
        parts.append(Part(moved(Box((wide * 0.7, 0.03, 0.8)), y=-0.03), 1))
        parts.append(Part(moved(Box((wide * 0.55, 0.2, 0.3), 0.04), y=0.15), 2))
        parts.append(Part(moved(Cylinder(0.09, 0.2), y=0.45, z=-0.1), 3))
    elif kind == "ship":
        for i in range(dice.count(2, 3)):
            parts.append(
                Part(moved(Box((wide * (0.6 - 0.12 * i), 0.1, 0.5 - 0.12 * i), 0.02), y=0.08 + 0.18 * i), 1 + i % 2)
            )
        parts.append(Part(turned(LinearArray(Cylinder(0.07, 0.5), dice.count(1, 3), 0.25), y=90), 3))
    else:
        parts.append(Part(turned(LinearArray(Box((0.06, 0.025, wide * 0.85)), 2, 0.7), y=90), 1))
    return solid(*parts)


def train(dice: Dice) -> Solid:
    """Steam engine, tractor, steam roller."""
    parts = [Part(moved(turned(Cylinder(0.26, 0.5, 0.03), x=90), y=0.1, z=0.25))]
    parts.append(Part(Box((0.3, 0.07, 0.9), 0.02), 2))
    parts[-1] = Part(moved(parts[-1].node, y=-0.2), 2)
    parts.append(Part(moved(Box((0.32, 0.35, 0.28), 0.02), y=0.15, z=-0.55), 1))
    parts.append(Part(moved(Box((0.38, 0.04, 0.35), 0.02), y=0.53, z=-0.55), 2))
    parts.append(Part(moved(Box((0.34, 0.12, 0.17)), y=0.28, z=-0.55), 3))
    parts.append(Part(moved(Cone(0.08, dice.between(0.08, 0.18), 0.2), y=0.5, z=0.55), 2))
    if dice.chance(0.7):
        parts.append(Part(moved(Superquadric((0.13, 0.15, 0.13)), y=0.35, z=0.1), 1))
    big, small = dice.between(0.2, 0.34), dice.between(0.14, 0.22)
    parts += _wheels(dice, 0.33, (-0.55,), big, -0.42 + big * 0.5)
    parts += _wheels(dice, 0.31, dice.pick(((0.5,), (0.15, 0.6))), small, -0.42 + small * 0.2)
    return solid(*parts)


def bicycle(dice: Dice) -> Solid:
    """Bicycle, scooter, wheelchair, cart, pram: wheels joined by rods."""
    radius = dice.between(0.28, 0.42)
    ring = turned(
        Union((Torus(radius, 0.04), Cylinder(0.06, 0.06), RadialArray(rod((0, 0, 0), (radius, 0, 0), 0.018), 8))), z=90
    )
    pair = dice.chance(0.4)
    hubs = ((0.0, 0.0, 0.6), (0.0, 0.0, -0.4 if pair else -0.6))
    behind = Union((Mirror(moved(ring, 0.25, 0, -0.4)), rod((-0.25, 0, -0.4), (0.25, 0, -0.4), 0.04)))
    parts = [Part(Union((moved(ring, z=0.6), behind if pair else moved(ring, z=-0.6))))]
    saddle, grip, crank = (0.0, 0.55, -0.25), (0.0, 0.65, 0.4), (0.0, -0.05, -0.05)
    frame = [
        (saddle, crank),
        (crank, (0, 0.45, 0.4)),
        (saddle, (0, 0.45, 0.4)),
        (grip, hubs[0]),
        (hubs[1], crank),
        (hubs[1], saddle),
    ]
    parts.append(Part(Union(tuple(rod(a, b, 0.04) for a, b in frame)), 1))
    parts.append(Part(moved(Superquadric((0.09, 0.05, 0.17)), y=0.6, z=-0.27), 2))
    bar = Tube(((0.3, 0.68, 0.25), (0.2, 0.7, 0.4), (0, 0.66, 0.4)), (0.04,) * 3)
    parts.append(Part(Mirror(bar), 2))
    if dice.chance(0.3):
        parts.append(
            Part(moved(Difference(Box((0.2, 0.14, 0.15)), moved(Box((0.15, 0.14, 0.1)), y=0.06)), y=0.5, z=0.65), 3)
        )
    return solid(*parts)


def cannon(dice: Dice) -> Solid:
    """Cannon, telescope on wheels, catapult."""
    curve = [(0.2, -0.7), (0.22, -0.5), (0.15, 0.6), (0.2, 0.7)]
    barrel = Difference(Lathe(outlines.filled(curve)), moved(Cylinder(0.09, 0.6), y=0.6))
    turn = rotation(x=90 - dice.between(5, 35))
    parts = [Part(Placed(barrel, (0, 0.1, 0.1), turn)), Part(moved(Box((0.16, 0.08, 0.5), 0.02), y=-0.1, z=-0.3), 1)]
    parts.append(Part(rod((-0.3, -0.1, 0), (0.3, -0.1, 0), 0.05), 1))
    parts += _wheels(dice, 0.3, (0.0,), dice.between(0.28, 0.4), -0.1)
    return solid(*parts)


def house(dice: Dice) -> Solid:
    """House, barn, bird house, shop: walls, roof, door, windows, chimney."""
    a, b, c = dice.between(0.4, 0.8), dice.between(0.25, 0.6), dice.between(0.4, 0.7)
    rise, over = dice.between(0.2, 0.6), dice.between(0.03, 0.12)
    gable = Extrude(((-a, -b), (a, -b), (a, b), (0.0, b + rise), (-a, b)), c)
    slope = Extrude(
        (
            (-a - over, b - over * 0.6),
            (0.0, b + rise),
            (a + over, b - over * 0.6),
            (a + over, b + 0.06),
            (0.0, b + rise + 0.1),
            (-a - over, b + 0.06),
        ),
        c + over,
    )
    parts = [Part(gable), Part(slope, 1)]
    parts.append(Part(moved(Box((0.13, b * 0.5, 0.03)), dice.between(-0.4, 0.4) * a, -b * 0.5, c), 2))
    window = Box((0.11, 0.13, 0.03))
    parts.append(Part(Mirror(moved(window, a * 0.6, b * 0.35, c), "xz"), 3))
    parts.append(Part(Mirror(moved(turned(window, y=90), a, 0.05, c * 0.3), "xz"), 3))
    if dice.chance(0.5):
        parts.append(Part(moved(Box((0.08, 0.25, 0.08)), a * 0.5, b + rise * 0.6, -c * 0.3), 4))
    if dice.chance(0.4):
        parts.append(Part(moved(Box((a * 1.4, 0.05, c * 1.5)), y=-b - 0.03), 5))
    if dice.chance(0.3):
        wing = Placed(gable, (a * 1.2, -b * 0.3, 0), rotation(y=90), 0.7)
        parts.append(Part(wing, 0))
    return solid(*parts)


def tower(dice: Dice) -> Solid:
    """Castle tower, lighthouse, windmill, chess rook, pagoda, monument."""
    wide = dice.between(0.25, 0.45)
    kind = dice.pick(("castle", "light", "pagoda", "chess"))
    if kind == "pagoda":
        parts = []
        for i in range(dice.count(2, 4)):
            size = wide * (1.25 - 0.22 * i)
            parts.append(Part(moved(Box((size, 0.16, size)), y=i * 0.42 - 0.6), 0))
            roof = moved(turned(Cone(size * 2.0, size * 0.8, 0.08), y=45), y=i * 0.42 - 0.38)
            parts.append(Part(roof, 1))
        return solid(*parts)
    if kind == "chess":
        curve = [
            (wide, -0.8),
            (wide, -0.65),
            (wide * 0.6, -0.5),
            (wide * 0.4, 0.1),
            (wide * 0.75, 0.3),
            (wide * 0.45, 0.4),
        ]
        top = dice.pick((Ball(wide * 0.6), Superquadric((wide * 0.5, wide, wide * 0.5)), Cylinder(wide * 0.65, 0.15)))
        return solid(
            Part(Lathe(outlines.filled(outlines.spline(curve, 3)))), Part(moved(top, y=0.55), dice.count(0, 1))
        )
    body = Cone(wide * dice.between(1.0, 1.4), wide, 0.7)
    parts = [Part(body), Part(moved(Cylinder(wide * 1.25, 0.12), y=0.75), 1)]
    notch = moved(RadialArray(moved(Box((0.25, 0.12, 0.08)), x=wide * 1.2), 6), y=0.87)
    if kind == "castle":
        parts[1] = Part(Difference(parts[1].node, notch), 1)
    else:
        parts += [
            Part(moved(Cylinder(wide * 0.6, 0.2), y=0.95), 2),
            Part(moved(Cone(wide * 0.8, 0.03, 0.16), y=1.25), 3),
        ]
    parts.append(Part(moved(Box((0.1, 0.16, 0.1), 0.02), y=-0.55, z=wide * 1.2), 2))
    if dice.chance(0.4):
        sails = turned(RadialArray(moved(Box((0.4, 0.025, 0.09)), x=0.45), 4), x=90)
        parts.append(Part(moved(sails, y=0.5, z=wide * 1.25), 2))
    return solid(*parts)
