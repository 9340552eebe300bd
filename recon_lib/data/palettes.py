"""Colours that go together, as real things have them."""

import colorsys

from .dice import Dice

# sRGB 0-255: what household things are made of
NATURAL = {
    "wood": ((139, 94, 60), (181, 134, 84), (222, 184, 135), (92, 58, 33), (205, 170, 125), (160, 110, 70)),
    "metal": ((192, 192, 196), (120, 124, 130), (70, 72, 76), (205, 180, 110), (184, 115, 72), (220, 222, 225)),
    "ceramic": ((240, 236, 226), (225, 215, 195), (90, 110, 130), (175, 75, 50), (60, 80, 70), (250, 250, 248)),
    "cloth": ((120, 130, 150), (170, 150, 130), (85, 95, 80), (150, 60, 65), (60, 65, 90), (215, 205, 190)),
    "plastic": ((35, 35, 38), (235, 235, 235), (215, 45, 40), (30, 95, 190), (245, 190, 30), (50, 150, 80)),
    "leaf": ((60, 110, 50), (95, 140, 60), (40, 80, 45), (140, 160, 70), (120, 90, 50), (190, 200, 120)),
    "paper": ((245, 243, 235), (200, 170, 130), (225, 225, 220), (180, 150, 110), (235, 220, 190), (150, 170, 190)),
}

Color = tuple[float, float, float]


def random_palette(dice: Dice, count: int) -> tuple[Color, ...]:
    """`count` sRGB colours 0-1: a material's own, one hue's shades, contrasting hues, or near greys."""
    kind = dice.weighted(("natural", "mixed", "shades", "contrast", "grey", "free"), (3, 3, 1.5, 2, 1.5, 1))
    base = dice.between(0, 1)
    families = list(NATURAL)
    family = dice.pick(families)
    colors = []
    for i in range(count):
        if kind in ("natural", "mixed"):
            group = NATURAL[family if kind == "natural" else dice.pick(families)]
            colors.append(_jitter(dice, tuple(c / 255 for c in dice.pick(group))))
        elif kind == "shades":
            colors.append(colorsys.hsv_to_rgb(base, dice.between(0.15, 0.8), dice.between(0.25, 0.95)))
        elif kind == "contrast":
            hue = (base + i * dice.pick((0.33, 0.5, 0.08, 0.62)) + dice.between(-0.03, 0.03)) % 1
            colors.append(colorsys.hsv_to_rgb(hue, dice.between(0.35, 0.95), dice.between(0.4, 0.97)))
        elif kind == "grey":
            value = dice.between(0.06, 0.96)
            colors.append(colorsys.hsv_to_rgb(base, dice.between(0, 0.12), value))
        else:
            colors.append((dice.between(0.02, 0.98), dice.between(0.02, 0.98), dice.between(0.02, 0.98)))
    return tuple(colors)


def _jitter(dice: Dice, color: Color) -> Color:
    bright = dice.between(0.85, 1.12)
    return tuple(min(max(c * bright + dice.between(-0.03, 0.03), 0.0), 1.0) for c in color)
