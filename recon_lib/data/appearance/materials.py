"""Procedural materials: base colours of an object's parts, solid textures over them, and gloss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..dice import Dice
from .palettes import Color, random_palette
from .patterns import Array, Pattern, random_pattern

# layers from the base up, and the relative frequency of each recipe
RECIPES: tuple[tuple[tuple[str, ...], float], ...] = (
    ((), 3.5),
    (("gradient",), 0.6),
    (("wood",), 1.2),
    (("marble",), 0.5),
    (("clouds",), 1.0),
    (("clouds", "speckle"), 0.8),
    (("speckle",), 0.8),
    (("stripes",), 1.0),
    (("checks",), 0.5),
    (("dots",), 0.5),
    (("patches",), 0.6),
    (("patches", "patches", "clouds"), 0.6),
    (("band",), 0.5),
    (("label", "print"), 1.0),
    (("gradient", "label", "logo", "print"), 1.0),
    (("patches", "label", "print", "logo"), 0.8),
    (("clouds", "logo", "band"), 0.5),
    (("stripes", "label", "print"), 0.5),
)


@dataclass(frozen=True)
class Layer:
    """A colour over some parts, with a pattern as its coverage."""

    pattern: Pattern
    color: Color
    strength: float = 1.0
    part: int | None = None  # None: every part


@dataclass(frozen=True)
class Material:
    """Colours of a whole object as a function of position and part."""

    colors: NDArray[np.float32]  # [M,3] sRGB of each part
    layers: tuple[Layer, ...] = ()
    specular: float = 0.0  # Blinn-Phong strength, 0-1
    roughness: float = 1.0  # 0 mirror-like, 1 dull

    @property
    def shininess(self) -> float:
        """Blinn-Phong exponent of the roughness: 2 / roughness^4 - 2 (Walter et al. 2007, alpha = roughness^2)."""
        return 2 / max(self.roughness, 0.2) ** 4 - 2 + 1e-3

    def albedo(self, points: Array, part: NDArray[np.integer]) -> Array:
        """Albedo [N,3] sRGB 0-1 at points [N,3] (the object's unit-ball frame) of parts [N], taken modulo M."""
        points = np.asarray(points, np.float32)
        part = np.asarray(part) % len(self.colors)
        albedo = self.colors[part]
        for layer in self.layers:
            coverage = layer.pattern(points) * layer.strength
            if layer.part is not None:
                coverage = coverage * (part == layer.part)
            albedo = albedo + coverage[:, None].astype(np.float32) * (np.float32(layer.color) - albedo)
        return albedo


def random_material(seed: int, colors: Sequence[Color] | NDArray | None = None) -> Material:
    """Random material of a seed. `colors` [M,3] sRGB 0-1 are the parts' base colours; None draws up to six."""
    dice = Dice(seed, 2)
    if colors is None:
        colors = random_palette(dice, dice.count(1, 6))
    base = np.asarray(colors, np.float32).reshape(-1, 3)
    recipe = dice.weighted([r[0] for r in RECIPES], [r[1] for r in RECIPES])
    part = None if dice.chance(0.6) else dice.count(0, len(base) - 1)
    inks = random_palette(dice, max(len(recipe), 1))
    layers = tuple(
        Layer(random_pattern(dice, kind), _ink(dice, kind, ink, base[0]), dice.between(0.5, 1.0), part)
        for kind, ink in zip(recipe, inks, strict=False)
    )
    dull = dice.chance(0.45)
    specular = 0.0 if dull else dice.pick((dice.between(0.03, 0.2), dice.between(0.15, 0.6)))
    return Material(base, layers, specular, 1.0 if dull else dice.between(0.25, 0.85))


def _ink(dice: Dice, kind: str, ink: Color, base: Array) -> Color:
    """Colour of a layer: natural textures vary the base colour; print contrasts with everything."""
    if kind in ("wood", "speckle", "marble", "gradient") and dice.chance(0.75):
        shade = dice.pick((dice.between(0.35, 0.8), dice.between(1.15, 1.6)))
        return tuple(float(min(c * shade, 1.0)) for c in base)
    if kind == "print":
        return dice.pick(((0.08, 0.08, 0.1), (0.95, 0.95, 0.93), ink))
    return ink
