"""Procedural interiors, the corner of a room or a table before a wall: textured planes in perspective, lit by a lamp,
with furniture-like boxes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..appearance.palettes import random_palette
from ..appearance.tilings import tiling
from ..dice import Dice

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Viewer:
    """A camera at the origin of a room (x right, y up, z forward)."""

    turn: float  # radians to the right
    tilt: float  # radians downward
    roll: float
    zoom: float  # tangent of half the vertical field of view

    def rays(self, height: int, width: int) -> list[Array]:
        """Components x, y, z of the viewing directions, each [H,W]."""
        rows = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1) * self.zoom
        columns = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1) * self.zoom * (width / height)
        right, down = np.meshgrid(columns, rows, indexing="xy")
        return [right * a + down * b + c for a, b, c in self._rotation()]

    def project(self, points: Array, height: int, width: int) -> Array:
        """World points [N,3] -> pixels [N,2] and depth in a third column."""
        right, down, depth = self._rotation().T @ points.T
        scale = height / (2 * self.zoom) / np.maximum(depth, 0.05)
        return np.stack([right * scale + width / 2, down * scale + height / 2, depth], -1)

    def _rotation(self) -> Array:
        """Columns: the image's right, its down, the optical axis."""
        ct, st, ci, si = math.cos(self.turn), math.sin(self.turn), math.cos(self.tilt), math.sin(self.tilt)
        cr, sr = math.cos(self.roll), math.sin(self.roll)
        right, down = np.array([ct, 0, -st]), np.array([-si * st, -ci, -si * ct])
        columns = [right * cr + down * sr, down * cr - right * sr, np.array([ci * st, -si, ci * ct])]
        return np.stack(columns, -1).astype(np.float32)


def room(dice: Dice, height: int, width: int) -> Array:
    """Random interior [H,W,3] sRGB 0-1: floor, one to three walls, pictures, skirting, furniture-like boxes."""
    viewer = Viewer(
        dice.between(-0.6, 0.6),
        dice.between(-0.15, 0.75),
        dice.between(-0.08, 0.08),
        math.tan(math.radians(dice.between(20, 70)) / 2),
    )
    floor = -dice.between(0.4, 1.6)
    planes = [(1, floor), (2, dice.between(2.5, 7))]  # axis, level: floor and back wall
    if dice.chance(0.6):
        planes.append((0, dice.pick((-1, 1)) * dice.between(1.2, 4)))
    if dice.chance(0.25):
        planes.append((1, dice.between(1.2, 2.5)))
    image = _planes(dice, viewer.rays(height, width), planes)
    if dice.chance(0.6):
        image = _boxes(dice, image, viewer, floor, planes[1][1])
    return image


def _planes(dice: Dice, rays: list[Array], planes: list[tuple[int, float]]) -> Array:
    """The nearest plane of each ray, textured and lit by one lamp."""
    height, width = rays[0].shape
    nearest = np.full((height, width), 12, np.float32)
    index = np.zeros((height, width), np.uint8)
    for i, (axis, level) in enumerate(planes):
        inverse = rays[axis] / np.float32(level)  # 1 / distance
        closer = inverse * nearest > 1
        np.copyto(index, i, where=closer)
        np.divide(1, inverse, out=nearest, where=closer)
    image = np.empty((height * width, 3), np.float32)
    for i, (axis, _) in enumerate(planes):
        rows = np.flatnonzero(index == i)
        u, v = ((2, 1), (0, 2), (0, 1))[axis]
        distance = nearest.ravel()[rows]
        image[rows] = _surface(dice, rays[u].ravel()[rows] * distance, rays[v].ravel()[rows] * distance, i)
    tone = np.array([dice.between(0.75, 1.1) for _ in planes], np.float32)
    image *= tone[index.ravel()][:, None]
    return image.reshape(height, width, 3) * _lamp(dice, rays, nearest)[..., None]


def _lamp(dice: Dice, rays: list[Array], distance: Array) -> Array:
    """Brightness [H,W] under one lamp, evaluated at every fourth pixel, since it is smooth."""
    lamp = (dice.between(-2, 2), dice.between(0.2, 2), dice.between(0.5, 3))
    coarse = distance[::4, ::4]
    squared = sum((ray[::4, ::4] * coarse - np.float32(at)) ** 2 for ray, at in zip(rays, lamp, strict=True))
    light = dice.between(0.45, 0.85) + dice.between(0.3, 0.8) / (1 + squared * dice.between(0.1, 0.5))
    return np.repeat(np.repeat(light, 4, 0), 4, 1)[: distance.shape[0], : distance.shape[1]]


def _boxes(dice: Dice, image: Array, viewer: Viewer, floor: float, back: float) -> Array:
    """Boxes on the floor, far ones first: each shows its top, its front and the side towards the viewer."""
    from PIL import Image, ImageDraw

    height, width = image.shape[:2]
    picture = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    depths = sorted((dice.between(1.2, back) for _ in range(dice.count(1, 6))), reverse=True)
    for z, color in zip(depths, random_palette(dice, len(depths), calm=dice.chance(0.6)), strict=True):
        x, a, c, tall = (
            dice.between(-0.9, 0.9) * z,
            dice.between(0.1, 0.6),
            dice.between(0.1, 0.4),
            dice.between(0.1, 1.4),
        )
        bottom = floor + dice.pick((0.0, 0.0, dice.between(0, 1)))
        sides = np.array([[i, j, k] for i in (x - a, x + a) for j in (bottom, bottom + tall) for k in (z - c, z + c)])
        corners = viewer.project(sides, height, width)
        if corners[:, 2].min() < 0.3:
            continue
        side = (4, 6, 7, 5) if x < 0 else (0, 2, 3, 1)
        for corner, shade in ((side, 0.6), ((2, 3, 7, 6), 1.05), ((0, 2, 6, 4), 0.85)):
            fill = tuple(min(int(v * 255 * shade), 255) for v in color)
            draw.polygon([tuple(corners[i, :2]) for i in corner], fill=fill)
    return np.asarray(picture, np.float32) / 255


def _surface(dice: Dice, u: NDArray, v: NDArray, plane: int) -> Array:
    """Colours [N,3] of a plane at its coordinates u, v [N], with rectangles on it (pictures, rugs, doors)."""
    a, b = np.array(random_palette(dice, 2, calm=dice.chance(0.8)), np.float32)
    color = a + tiling(dice, u, v)[:, None] * (b - a) * dice.between(0.15, 0.9)
    if plane == 0:
        rectangles = dice.pick((0, 0, 1))
    else:
        rectangles = dice.count(0, 4)
        skirting = dice.between(-1.6, -0.4)
        color[np.abs(v - skirting) < 0.06] = b * 0.8
    for shade in random_palette(dice, rectangles):
        left, low = dice.between(-2.5, 2), dice.between(-1, 1) if plane else dice.between(0.5, 4)
        wide, tall = dice.between(0.2, 1.6), dice.between(0.2, 1.4)
        within = (u > left) & (u < left + wide) & (v > low) & (v < low + tall)
        inner = within & (u > left + 0.07) & (u < left + wide - 0.07) & (v > low + 0.07) & (v < low + tall - 0.07)
        color[within] = np.float32(shade) * dice.between(0.3, 1.2)
        color[inner] = np.float32(shade)
    return color
