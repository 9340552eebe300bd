"""Planar textures: coverage of a second colour at plane coordinates, for floors, walls and cloths."""

import numpy as np
from numpy.typing import NDArray

from ..dice import Dice

Array = NDArray[np.float32]
KINDS = ("plain", "checks", "tiles", "bricks", "planks", "stripes", "dots", "waves", "mottled")


def tiling(dice: Dice, u: Array, v: Array) -> Array:
    """Coverage in 0-1 of a random pattern at coordinates u, v (equal shapes); tiles are about 0.2 to 1 unit wide."""
    kind = dice.pick(KINDS)
    size = dice.spread(0.5, 2.5)
    if kind == "plain":
        return np.zeros_like(u)
    angle = dice.pick((0.0, 0.0, 0.785, dice.between(0, 3.14)))
    c, s = np.cos(angle) / size, np.sin(angle) / size
    u, v = u * np.float32(c) - v * np.float32(s), u * np.float32(s) + v * np.float32(c)
    if kind == "waves":
        return 0.5 + 0.5 * np.sin(6.3 * u + dice.between(0.3, 2) * np.sin(3 * v))
    if kind == "mottled":
        return 0.5 + 0.25 * np.sin(9 * u + 3 * np.sin(4 * v)) + 0.25 * np.sin(7 * v + 3 * np.sin(5 * u))
    if kind == "bricks":
        u = u + 0.5 * (np.floor(v * 2) % 2)
        v = v * 2
    if kind == "planks":
        u = u + 0.37 * np.floor(v * 4)
        u, v = u * 0.7, v * 4
    column, row = np.floor(u), np.floor(v)
    if kind == "checks":
        return (column + row) % 2
    if kind == "stripes":
        return (u - column < dice.between(0.1, 0.6)).astype(np.float32)
    x, y = np.abs(u - column - 0.5), np.abs(v - row - 0.5)
    if kind == "dots":
        return (x * x + y * y < dice.between(0.03, 0.14)).astype(np.float32)
    joint = (np.maximum(x, y) > 0.5 - dice.between(0.01, 0.05)).astype(np.float32)
    shade = np.sin(column * 12.9898 + row * 78.233) * 43758.547
    return np.maximum(joint, (shade - np.floor(shade)) * dice.between(0, 0.5))
