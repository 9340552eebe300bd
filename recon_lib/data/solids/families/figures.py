"""Dolls, teddies, robots, busts: upright figures, mirrored in x, facing +z."""

from ...dice import Dice
from ..node import Node
from ..primitives import Ball, Box, Cone, Cylinder, Superquadric, Torus, Tube
from ..solid import Part, Solid
from ..space import Mirror, moved, turned
from ..warp import Bumpy
from .kit import block, rod, solid
from .limbs import animal_head, ears, face, limb


def figure(dice: Dice) -> Solid:
    """A random kind of figure."""
    return dice.weighted((biped, robot, head), (3, 1.5, 1))(dice)


def biped(dice: Dice) -> Solid:
    """Teddy, doll, action figure, penguin, snowman: torso upright, head, arms, legs; standing or sitting."""
    chunky = dice.between(0, 1)
    torso_w, torso_h = 0.2 + 0.2 * chunky, dice.between(0.3, 0.45)
    size, melt = dice.between(0.16, 0.26) + 0.14 * chunky, dice.between(0.0, 0.08) + 0.03 * chunky
    torso = Superquadric(
        (torso_w, torso_h, torso_w * dice.between(0.6, 0.95)), dice.between(0.5, 1), dice.between(0.5, 1)
    )
    parts = [Part(torso)]
    at = (0.0, torso_h + size * dice.between(0.7, 1.0), dice.between(0, 0.06))
    parts.append(Part(rod((0, torso_h * 0.7, 0), at, size * 0.35), 1, melt))
    if dice.chance(0.55):
        parts += animal_head(dice, size, at, melt)
    else:  # a person: hair or hat
        parts.append(Part(moved(Superquadric((size * 0.85, size, size * 0.9)), *at), 1, 0.02))
        parts.append(
            Part(
                moved(
                    Superquadric((size * 0.92, size * 0.8, size * 0.95)),
                    at[0],
                    at[1] + size * 0.25,
                    at[2] - size * 0.15,
                ),
                2,
            )
        )
        if dice.chance(0.3):
            parts.append(Part(moved(Cylinder(size * 1.3, 0.03, 0.02), at[0], at[1] + size * 0.6, at[2]), 3))
        parts += [Part(moved(p.node, *at), p.material) for p in face(dice, size, size * 0.92, -0.1 * size)]
    arm = torso_w * dice.between(0.25, 0.45)
    reach = dice.between(0.35, 0.65)
    swing, lift = dice.between(-0.2, 0.35), dice.between(-0.7, 0.8)
    hand = (torso_w + reach * 0.6, torso_h * 0.6 + lift * reach, swing)
    parts.append(
        Part(Mirror(limb(dice, (torso_w * 0.75, torso_h * 0.65, 0), hand, arm, (0.05, 0, 0))), dice.count(0, 1), melt)
    )
    thick, stride = torso_w * dice.between(0.35, 0.5), dice.between(0.4, 0.8)
    sitting = dice.chance(0.3)
    foot = (
        (torso_w * 0.7, -torso_h - 0.05, stride)
        if sitting
        else (torso_w * dice.between(0.5, 0.9), -torso_h - stride, 0.0)
    )
    parts.append(Part(Mirror(limb(dice, (torso_w * 0.5, -torso_h * 0.7, 0), foot, thick)), dice.count(0, 2), melt))
    shoe = (
        Superquadric((thick * 1.1, thick * 0.8, thick * 1.7))
        if not sitting
        else Superquadric((thick * 1.1, thick * 1.5, thick * 0.8))
    )
    parts.append(
        Part(Mirror(moved(shoe, foot[0], foot[1], foot[2] + (0 if sitting else thick * 0.5))), dice.count(0, 3), 0.02)
    )
    if dice.chance(0.3):
        parts.append(Part(moved(Torus(torso_w * 0.95, 0.045), y=-torso_h * 0.35), 3))
    if dice.chance(0.15):
        parts.append(Part(moved(Box((0.5, 0.06, 0.4), 0.03), y=foot[1] - thick * 0.8), 2))
    return solid(*parts)


def robot(dice: Dice) -> Solid:
    """Robot, brick figure, nutcracker: blocks for head, body, limbs."""
    a, b, c = dice.between(0.25, 0.4), dice.between(0.25, 0.42), dice.between(0.18, 0.32)
    size, gap = dice.between(0.18, 0.35), dice.between(0.0, 0.08)
    parts = [Part(block(dice, a, b, c))]
    top = b + gap + size * 0.8
    parts.append(Part(moved(block(dice, size * dice.between(0.9, 1.2), size * 0.8, size * 0.9), y=top), 1))
    parts.append(Part(Cylinder(0.1, top - 0.05), 2))
    eye = dice.pick((Ball(0.07), turned(Cylinder(0.07, 0.05), x=90), Box((0.06, 0.04, 0.05))))
    parts.append(Part(Mirror(moved(eye, size * 0.45, top + 0.05, size * 0.9)), 3))
    arm = dice.between(0.06, 0.12)
    drop, out = dice.between(0.3, 0.6), a + arm * 0.75
    lift = dice.between(-60, 130)
    sleeve = moved(block(dice, arm, drop / 2, arm), y=-drop / 2)
    parts.append(Part(Mirror(moved(turned(sleeve, x=-lift), out, b * 0.7)), dice.count(0, 2)))
    parts.append(Part(Mirror(moved(Ball(arm * 1.2), out, b * 0.7)), 2))
    long = dice.between(0.3, 0.7)
    if dice.chance(0.8):
        parts.append(
            Part(Mirror(moved(block(dice, a * 0.38, long / 2, c * 0.6), a * 0.5, -b - long / 2)), dice.count(0, 2))
        )
        parts.append(Part(Mirror(moved(Box((a * 0.45, 0.07, c), 0.03), a * 0.5, -b - long, 0.08)), dice.count(1, 3)))
    else:
        parts.append(Part(moved(Cone(a * 1.3, a * 0.8, 0.15), y=-b - 0.12), 2))
    if dice.chance(0.4):
        parts.append(Part(rod((0, top, 0), (0, top + size + 0.2, 0), 0.03), 2))
        parts.append(Part(moved(Ball(0.07), y=top + size + 0.2), 3))
    if dice.chance(0.5):
        parts.append(Part(moved(Box((a * 0.6, b * 0.4, 0.04), 0.02), z=c), 3))
    return solid(*parts)


def head(dice: Dice) -> Solid:
    """Bust, mask, skull, piggy bank, carved head."""
    wide, high, deep = dice.between(0.5, 0.7), dice.between(0.6, 0.85), dice.between(0.55, 0.75)
    melt = dice.between(0.05, 0.12)
    parts = [Part(Superquadric((wide, high, deep), 0.9, 0.9))]
    parts.append(Part(moved(Superquadric((wide * 0.7, high * 0.45, deep * 0.7)), y=-high * 0.6, z=0.12), 0, melt))
    nose = Tube(((0, 0.15, deep * 0.9), (0, -0.12, deep + dice.between(0.05, 0.25))), (0.07, 0.13))
    parts.append(Part(nose, dice.weighted((0, 1), (3, 1)), melt))
    parts.append(Part(Mirror(moved(Ball(dice.between(0.08, 0.14)), wide * 0.42, 0.18, deep * 0.85)), 1))
    parts.append(Part(moved(Superquadric((wide * 0.45, 0.05, 0.08)), y=-high * 0.45, z=deep * 0.88), 2))
    parts.append(
        Part(Mirror(ears(dice, 0.65)), 0, 0.03)
        if dice.chance(0.5)
        else Part(Mirror(moved(Superquadric((0.08, 0.2, 0.13)), wide)), 0, 0.05)
    )
    if dice.chance(0.5):
        parts.append(Part(moved(Cylinder(wide * 0.55, 0.3), y=-high - 0.1), 0, 0.1))
        parts.append(
            Part(moved(Superquadric((wide * 1.4, 0.3, 0.45), 0.8, 0.8), y=-high - 0.45), dice.count(0, 2), 0.1)
        )
    if dice.chance(0.5):
        hair: Node = moved(Superquadric((wide * 1.06, high * 0.8, deep * 1.05)), y=high * 0.35, z=-0.12)
        parts.append(Part(Bumpy(hair, 0.02, 15.0) if dice.chance(0.5) else hair, 3))
    return solid(*parts)
