"""Colour palettes of real materials and of colour theory."""

import colorsys

from ..dice import Dice

# sRGB 0-255, materials of household objects
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


def random_palette(dice: Dice, count: int, calm: bool = False) -> tuple[Color, ...]:
    """`count` sRGB colours 0-1: of a material, shades of one hue, contrasting hues, near greys, or uniform.

    `calm` leaves out saturated and dark colours, which walls and tables seldom have.
    """
    weights = (3, 1.5, 1.5, 0.2, 3, 0.0) if calm else (3, 3, 1.5, 2, 1.5, 1)
    kind = dice.weighted(("natural", "mixed", "shades", "contrast", "grey", "free"), weights)
    hue, family = dice.between(0, 1), dice.pick(sorted(NATURAL))
    colors = [_color(dice, kind, hue, family, i) for i in range(count)]
    return tuple(_calmed(c) for c in colors) if calm else tuple(colors)


def _color(dice: Dice, kind: str, hue: float, family: str, index: int) -> Color:
    """Colour number `index` of a palette."""
    if kind in ("natural", "mixed"):
        group = NATURAL[family if kind == "natural" else dice.pick(sorted(NATURAL))]
        return _jitter(dice, tuple(c / 255 for c in dice.pick(group)))
    if kind == "shades":
        return colorsys.hsv_to_rgb(hue, dice.between(0.15, 0.8), dice.between(0.25, 0.95))
    if kind == "contrast":
        shifted = (hue + index * dice.pick((0.33, 0.5, 0.08, 0.62)) + dice.between(-0.03, 0.03)) % 1
        return colorsys.hsv_to_rgb(shifted, dice.between(0.35, 0.95), dice.between(0.4, 0.97))
    if kind == "grey":
        return colorsys.hsv_to_rgb(hue, dice.between(0, 0.12), dice.between(0.06, 0.96))
    return dice.between(0.02, 0.98), dice.between(0.02, 0.98), dice.between(0.02, 0.98)


def _calmed(color: Color) -> Color:
    """The colour with less saturation and never very dark."""
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    return colorsys.hsv_to_rgb(hue, saturation * 0.7, 0.25 + 0.75 * value)


def _jitter(dice: Dice, color: Color) -> Color:
    bright = dice.between(0.85, 1.12)
    return tuple(min(max(c * bright + dice.between(-0.03, 0.03), 0.0), 1.0) for c in color)
