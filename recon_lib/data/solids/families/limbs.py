"""Limbs and heads that animals and figures share."""

from ...dice import Dice
from ..node import Node
from ..primitives import Ball, Cone, Superquadric, Tube
from ..solid import Part
from ..space import Mirror, moved, turned
from .kit import Vector


def limb(dice: Dice, a: Vector, b: Vector, thick: float, bend: Vector = (0.0, 0.0, 0.0)) -> Node:
    """A tapering limb from a to b, its joint moved by `bend`."""
    middle = tuple((p + q) / 2 + r for p, q, r in zip(a, b, bend, strict=True))
    return Tube((a, middle, b), (thick, thick * dice.between(0.75, 1.0), thick * dice.between(0.6, 1.0)))


def face(dice: Dice, size: float, z: float, y: float) -> list[Part]:
    """Eyes and a nose on a head of radius `size` whose front is at z."""
    eye = dice.between(0.09, 0.2) * size
    apart = dice.between(0.28, 0.5) * size
    parts = [Part(Mirror(moved(Ball(eye), apart, y + dice.between(0.1, 0.35) * size, z * 0.97)), 3)]
    if dice.chance(0.6):
        nose = Superquadric((size * dice.between(0.08, 0.25), size * 0.12, size * dice.between(0.1, 0.3)))
        parts.append(Part(moved(nose, y=y - 0.08 * size, z=z * 1.05), dice.count(2, 3)))
    return parts


def ears(dice: Dice, size: float) -> Node:
    """One ear on +x of a head of radius `size` at the origin; mirror it."""
    kind = dice.pick(("round", "long", "pointed", "floppy"))
    if kind == "round":
        return moved(Superquadric((size * 0.38, size * 0.38, size * 0.15)), size * 0.7, size * 0.75)
    if kind == "long":
        high = dice.between(0.8, 1.6) * size
        ear = Superquadric((size * 0.22, high / 2, size * 0.12))
        return moved(turned(ear, z=-dice.between(5, 30)), size * 0.45, size * 0.8 + high * 0.35)
    if kind == "pointed":
        return moved(turned(Cone(size * 0.3, size * 0.04, size * 0.35), z=-20), size * 0.55, size * 0.95)
    return Tube(
        ((size * 0.6, size * 0.6, 0), (size * 1.1, size * 0.3, 0), (size * 1.15, -size * 0.4, 0)),
        (size * 0.15, size * 0.2, size * 0.16),
    )


def animal_head(dice: Dice, size: float, at: Vector, melt: float) -> list[Part]:
    """Head with muzzle, ears, horns and face at a place."""
    skull = Superquadric((size, size * dice.between(0.85, 1.1), size * dice.between(0.85, 1.2)))
    parts = [Part(moved(skull, *at), 0, melt)]
    front = size
    if dice.chance(0.6):
        muzzle = Superquadric(
            (size * dice.between(0.4, 0.7), size * dice.between(0.35, 0.6), size * dice.between(0.5, 1.0))
        )
        parts.append(Part(moved(muzzle, at[0], at[1] - size * 0.25, at[2] + size * 0.7), dice.count(0, 1), melt * 0.7))
        front = size * 1.05
    parts.append(Part(moved(Mirror(ears(dice, size)), *at), dice.weighted((0, 1), (2, 1)), 0.03))
    if dice.chance(0.15):
        horn = Tube(
            ((0.4 * size, 0.7 * size, 0), (0.8 * size, 1.3 * size, 0), (0.7 * size, 1.8 * size, 0.2 * size)),
            (0.12 * size + 0.02, 0.1 * size + 0.01, 0.03),
        )
        parts.append(Part(moved(Mirror(horn), *at), 2))
    parts += [Part(moved(p.node, *at), p.material) for p in face(dice, size, front, 0.0)]
    return parts
