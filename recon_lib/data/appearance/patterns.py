"""Solid textures: coverage of a second colour at points of an object's surface (its unit-ball frame)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..dice import Dice

Array = NDArray[np.float32]
Pattern = Callable[[Array], Array]  # points [N,3] -> coverage [N] in 0-1


def random_pattern(dice: Dice, kind: str) -> Pattern:
    """Random pattern of the given kind (a key of `PATTERNS`): scale, direction and sharpness are drawn."""
    return PATTERNS[kind](dice)


def value_noise(points: Array, seed: int) -> Array:
    """Value noise [N] in 0-1 at points [N,3], from one hashed value per corner of the unit cells."""
    floor = np.floor(points)
    fraction = points - floor
    ease = fraction * fraction * (3 - 2 * fraction)
    cell = floor.astype(np.int64) * np.array([73856093, 19349663, 83492791])
    step = np.array([73856093, 19349663, 83492791])
    x = [cell[:, 0], cell[:, 0] + step[0]]
    y = [cell[:, 1], cell[:, 1] + step[1]]
    z = [cell[:, 2], cell[:, 2] + step[2]]
    value = np.zeros(len(points), np.float32)
    for i in (0, 1):
        weight_x = ease[:, 0] if i else 1 - ease[:, 0]
        for j in (0, 1):
            weight_xy = weight_x * (ease[:, 1] if j else 1 - ease[:, 1])
            low, high = (_hash(x[i] ^ y[j] ^ zk ^ seed) for zk in z)
            value += weight_xy * (low + (high - low) * ease[:, 2])
    return value


def _hash(key: NDArray[np.int64]) -> Array:
    """Integers [N] -> pseudo-random numbers [N] in 0-1."""
    key = key.astype(np.uint32)
    key = (key ^ (key >> np.uint32(15))) * np.uint32(2246822519)
    key = (key ^ (key >> np.uint32(13))) * np.uint32(3266489917)
    return ((key >> np.uint32(8)) * np.float32(2**-24)).astype(np.float32)


def _edge(value: Array, level: float, soft: float) -> Array:
    """Soft step: 0 below `level`, 1 above, with a ramp of width `soft` between."""
    return np.clip((value - level) / soft + 0.5, 0, 1)


def _direction(dice: Dice) -> Array:
    """Random unit vector; two in three are axes."""
    if dice.chance(0.65):
        return np.eye(3, dtype=np.float32)[dice.weighted((0, 1, 2), (1, 2, 1))]
    vector = dice.generator.normal(size=3)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def stripes(dice: Dice) -> Pattern:
    """Bands of equal or unequal width, straight or wavy."""
    direction, bend_direction = _direction(dice), _direction(dice)
    waves, phase, level = dice.spread(6, 2.5), dice.between(0, 6.3), dice.between(-0.6, 0.8)
    bend, soft = dice.pick((0.0, 0.0, dice.between(0.2, 1.5))), dice.pick((0.05, 0.1, 0.8))

    def coverage(points: Array) -> Array:
        phase_at = points @ direction * waves * 3.14 + phase + bend * np.sin(points @ bend_direction * waves * 2)
        return _edge(np.sin(phase_at), level, soft)

    return coverage


def checks(dice: Dice) -> Pattern:
    """Three-dimensional chequers; plaid when soft."""
    waves, phase, soft = (
        dice.spread(7, 2),
        dice.generator.uniform(0, 6.3, 3).astype(np.float32),
        dice.pick((0.04, 0.08, 1.5)),
    )

    def coverage(points: Array) -> Array:
        return _edge(np.sin(points * (waves * 1.57) + phase).prod(-1), 0.0, soft)

    return coverage


def dots(dice: Dice) -> Pattern:
    """Round spots on a lattice, each shifted a little."""
    waves, radius, soft = dice.spread(5, 1.8), dice.between(0.2, 0.42), dice.pick((0.04, 0.1))
    shift = dice.generator.uniform(0, 1, 3).astype(np.float32)

    def coverage(points: Array) -> Array:
        local = points * waves + shift
        local = local - np.round(local)
        return _edge(radius - np.sqrt((local * local).sum(-1)), 0.0, soft)

    return coverage


def clouds(dice: Dice) -> Pattern:
    """Noise of several scales: dirt, camouflage, rust, glaze."""
    waves, seed = dice.spread(4, 2.5), dice.count(0, 2**31)
    level, soft = dice.between(0.35, 0.62), dice.pick((0.05, 0.2, 0.6))
    stretch = (waves * np.exp(dice.generator.normal(0, 0.4, 3))).astype(np.float32)

    def coverage(points: Array) -> Array:
        noise = value_noise(points * stretch, seed) * 0.65 + value_noise(points * stretch * 2.7, seed + 1) * 0.35
        return _edge(noise, level, soft)

    return coverage


def marble(dice: Dice) -> Pattern:
    """Thin veins of a disturbed wave."""
    direction, waves, seed = _direction(dice), dice.spread(4, 2), dice.count(0, 2**31)
    turbulence, power = dice.between(2, 6), dice.between(1, 6)

    def coverage(points: Array) -> Array:
        noise = value_noise(points * 3, seed) + 0.5 * value_noise(points * 7, seed + 1)
        return (0.5 + 0.5 * np.sin(points @ direction * waves + turbulence * noise)) ** power

    return coverage


def wood(dice: Dice) -> Pattern:
    """Year rings around an axis, with fine grain along it."""
    axis, waves, seed = dice.pick((0, 1, 2)), dice.spread(14, 2), dice.count(0, 2**31)
    centre = dice.generator.uniform(-0.6, 0.6, 3).astype(np.float32)
    grain = np.where(np.arange(3) == axis, 1.5, 28).astype(np.float32)

    def coverage(points: Array) -> Array:
        local = points - centre
        around = np.sqrt(np.delete(local * local, axis, -1).sum(-1))
        wobble = value_noise(points * np.where(np.arange(3) == axis, 0.8, 3).astype(np.float32), seed)
        rings = (around * waves + wobble * 2.5) % 1.0
        return 0.65 * rings + 0.35 * value_noise(points * grain, seed + 1)

    return coverage


def gradient(dice: Dice) -> Pattern:
    """Linear gradient from one side to the other."""
    direction, level, soft = _direction(dice), dice.between(-0.5, 0.5), dice.between(0.3, 1.8)
    return lambda points: _edge(points @ direction, level, soft)


def band(dice: Dice) -> Pattern:
    """A belt across the object."""
    direction, level, half = _direction(dice), dice.between(-0.6, 0.6), dice.between(0.04, 0.25)
    return lambda points: _edge(half - np.abs(points @ direction - level), 0.0, 0.02)


def label(dice: Dice) -> Pattern:
    """A rectangle printed on the front, the back or all around."""
    x, y = dice.between(-0.15, 0.15), dice.between(-0.35, 0.35)
    half_x, half_y = dice.between(0.12, 0.5), dice.between(0.08, 0.4)
    side = dice.weighted((1, -1, 0), (3, 1, 1))

    def coverage(points: Array) -> Array:
        box = np.minimum(half_x - np.abs(points[:, 0] - x), half_y - np.abs(points[:, 1] - y))
        facing = 1.0 if side == 0 else points[:, 2] * side > 0
        return _edge(box, 0.0, 0.02) * facing

    return coverage


def print_lines(dice: Dice) -> Pattern:
    """Rows of broken short bars, as text looks from afar, within a rectangle on the front."""
    rectangle, pitch, seed = label(dice), dice.between(0.05, 0.12), dice.count(0, 2**31)
    fill, word = dice.between(0.3, 0.6), dice.between(0.02, 0.06)

    def coverage(points: Array) -> Array:
        row = points[:, 1] / pitch
        inked = np.abs(row - np.round(row)) < fill / 2
        cells = np.stack([points[:, 0] / word, np.round(row), np.zeros(len(points))], -1).astype(np.float32)
        return rectangle(points) * inked * (value_noise(cells, seed) > 0.45)

    return coverage


def logo(dice: Dice) -> Pattern:
    """A disc, ring or star on the front."""
    x, y, radius = dice.between(-0.2, 0.2), dice.between(-0.4, 0.4), dice.between(0.08, 0.35)
    inner = dice.pick((0.0, 0.6)) * radius
    tips, depth = dice.count(3, 8), dice.pick((0.0, 0.0, 0.35))

    def coverage(points: Array) -> Array:
        u, v = points[:, 0] - x, points[:, 1] - y
        distance = np.sqrt(u * u + v * v)
        edge = radius * (1 - depth + depth * np.cos(np.arctan2(v, u) * tips))
        return _edge(np.minimum(edge - distance, distance - inner), 0.0, 0.015) * (points[:, 2] > -0.05)

    return coverage


def patches(dice: Dice) -> Pattern:
    """Flat patches with straight borders (Voronoi cells): quilts, toys, packaging."""
    seeds = dice.generator.uniform(-1, 1, (dice.count(6, 24), 3)).astype(np.float32)
    chosen = dice.generator.random(len(seeds)) < dice.between(0.25, 0.6)

    def coverage(points: Array) -> Array:
        distance = (seeds * seeds).sum(-1) - 2 * points @ seeds.T
        return chosen[distance.argmin(-1)].astype(np.float32)

    return coverage


def speckle(dice: Dice) -> Pattern:
    """Fine grain: stone, fabric, sand paint."""
    waves, seed = dice.spread(45, 1.8), dice.count(0, 2**31)
    level, soft = dice.between(0.45, 0.8), dice.pick((0.1, 0.8))
    return lambda points: _edge(value_noise(points * waves, seed), level, soft)


PATTERNS: dict[str, Callable[[Dice], Pattern]] = {
    "stripes": stripes,
    "checks": checks,
    "dots": dots,
    "clouds": clouds,
    "marble": marble,
    "wood": wood,
    "gradient": gradient,
    "band": band,
    "label": label,
    "print": print_lines,
    "logo": logo,
    "patches": patches,
    "speckle": speckle,
}
