"""Procedural backgrounds, drawn in a few milliseconds: rooms, gradients, textures, clutter."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..appearance.palettes import random_palette
from ..appearance.tilings import tiling
from ..dice import Dice
from .rooms import room

Image = NDArray[np.float32]  # [H,W,3] sRGB 0-1


def random_background(
    seed: int, height: int, width: int, photos: Sequence[NDArray[np.uint8]] = ()
) -> NDArray[np.uint8]:
    """Random background of a seed, [3,height,width] uint8 sRGB.

    `photos` [h,w,3] uint8 of any sizes: if there are some, three in ten backgrounds are crops of them.
    """
    dice = Dice(seed, 3)
    if len(photos) and dice.chance(0.3):
        image = photo_crop(dice, height, width, photos[dice.count(0, len(photos) - 1)])
    else:
        image = dice.weighted(list(KINDS), list(KINDS.values()))(dice, height, width)
    image = _as_photographed(dice, image)
    return np.ascontiguousarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1))


def enlarge(small: NDArray, height: int, width: int) -> NDArray[np.float32]:
    """Bilinear enlargement of [h,w,C] to [height,width,C]."""
    from PIL import Image as Pillow

    size, method = (width, height), Pillow.Resampling.BILINEAR
    channels = [Pillow.fromarray(np.ascontiguousarray(small[..., c], np.float32)) for c in range(small.shape[2])]
    return np.stack([np.asarray(channel.resize(size, method)) for channel in channels], -1)


def coordinates(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y [H,W] of pixel centres, y from -1 to 1 downwards, x in the same unit."""
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1) * (width / height)
    return np.meshgrid(x, y, indexing="xy")


def blurred(image: Image, radius: float) -> Image:
    """Gaussian blur (by Pillow, 8 bit)."""
    from PIL import Image as Pillow
    from PIL import ImageFilter

    picture = Pillow.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def gradient(dice: Dice, height: int, width: int) -> Image:
    """Smooth gradient between a few colours; one in four is a single colour, as in a studio."""
    if dice.chance(0.25):
        return np.broadcast_to(np.float32(random_palette(dice, 1, calm=dice.chance(0.6))[0]), (height, width, 3))
    corners = np.float32(random_palette(dice, dice.pick((2, 4, 9)), calm=dice.chance(0.6)))
    shape = {2: (2, 1), 4: (2, 2), 9: (3, 3)}[len(corners)]
    grid = corners.reshape(*shape, 3)
    if shape[1] == 1:
        grid = np.repeat(grid, 2, axis=1) if dice.chance(0.7) else np.repeat(grid.transpose(1, 0, 2), 2, axis=0)
    return enlarge(grid, height, width)


def noise(dice: Dice, height: int, width: int) -> Image:
    """Colour noise of several scales: clouds, plaster, foliage out of focus."""
    image, colored = np.float32(0), dice.chance(0.4)
    falloff, size, weight = dice.between(0.45, 0.95), dice.count(2, 4), 1.0
    total = 0.0
    while size < height // 2:
        layer = dice.generator.random((size, size, 3 if colored else 1), np.float32)
        image = image + weight * enlarge(layer, height, width)
        total, weight, size = total + weight, weight * falloff, size * 2
    image = np.clip((image / total - 0.5) * dice.between(1.0, 3.0) + 0.5, 0, 1)
    a, b = np.array(random_palette(dice, 2, calm=dice.chance(0.6)), np.float32)
    return a + image * (b - a)


def texture(dice: Dice, height: int, width: int) -> Image:
    """A flat tiling, as cloth or wall seen straight on."""
    x, y = coordinates(height, width)
    a, b = np.array(random_palette(dice, 2, calm=dice.chance(0.6)), np.float32)
    coverage = tiling(dice, x + dice.between(-1, 1), y + dice.between(-1, 1))
    return a + coverage[..., None] * (b - a) * dice.between(0.2, 1.0)


def bokeh(dice: Dice, height: int, width: int) -> Image:
    """Discs of light and colour out of focus."""
    rows, columns = min(height, 48), min(width, 48)  # nothing here is sharp
    image = gradient(dice, rows, columns).copy()
    x, y = coordinates(rows, columns)
    for color in random_palette(dice, dice.count(6, 16)):
        size, soft = dice.between(0.08, 0.6), dice.between(0.06, 0.5)
        distance = np.sqrt((x - dice.between(-1.2, 1.2)) ** 2 + (y - dice.between(-1, 1)) ** 2)
        coverage = np.clip((size - distance) / soft + 0.5, 0, 1)[..., None] * dice.between(0.2, 0.9)
        image += coverage * (np.float32(color) - image)
    return enlarge(image, height, width)


def clutter(dice: Dice, height: int, width: int) -> Image:
    """Overlapping shapes of random colours on another background: shelves, desks, crowds."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    background = dice.pick((gradient, noise, texture, room))(dice, height, width)
    picture = Pillow.fromarray((np.clip(background, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for color in random_palette(dice, dice.count(4, 24)):
        fill = tuple(int(c * 255) for c in color)
        x, y = dice.between(-0.1, 1.1) * width, dice.between(-0.1, 1.1) * height
        a, b = dice.between(0.03, 0.35) * width, dice.between(0.03, 0.35) * height
        kind = dice.pick(("box", "ellipse", "polygon", "line"))
        if kind == "box":
            draw.rectangle((x - a, y - b, x + a, y + b), fill=fill)
        elif kind == "ellipse":
            draw.ellipse((x - a, y - b, x + a, y + b), fill=fill)
        elif kind == "polygon":
            turns = np.sort(dice.generator.uniform(0, 6.28, dice.count(3, 7)))
            draw.polygon([(x + a * np.cos(t), y + b * np.sin(t)) for t in turns], fill=fill)
        else:
            draw.line(
                (x - a, y, x + a * dice.between(-1, 1), y + b), fill=fill, width=dice.count(1, max(height // 16, 2))
            )
    return np.asarray(picture, np.float32) / 255


def photo_crop(dice: Dice, height: int, width: int, photo: NDArray[np.uint8]) -> Image:
    """Random crop of a photograph [h,w,3], mirrored at random."""
    from PIL import Image as Pillow

    rows, columns = photo.shape[:2]
    side = dice.between(0.35, 1.0) * min(rows, columns * height / width)
    tall, wide = side, side * width / height
    left, top = dice.between(0, columns - min(wide, columns)), dice.between(0, rows - tall)
    box = (left, top, min(left + wide, columns), top + tall)
    image = Pillow.fromarray(photo).resize((width, height), Pillow.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    pixels = np.asarray(image, np.float32) / 255
    return pixels[:, ::-1] if dice.chance(0.5) else pixels


def _as_photographed(dice: Dice, image: Image) -> Image:
    """Exposure, tint, blur, uneven light, grain; each at random."""
    height, width = image.shape[:2]
    if dice.chance(0.3):
        image = blurred(image, dice.between(0.5, 4) * height / 128)
    image = image * np.float32(dice.between(0.8, 1.3)) + dice.generator.uniform(-0.06, 0.06, 3).astype(np.float32)
    if dice.chance(0.4):
        image = image * enlarge(dice.generator.uniform(0.65, 1.25, (3, 3, 1)), height, width)
    if dice.chance(0.4):
        image = image + dice.generator.standard_normal((height, width, 1), np.float32) * dice.between(0.003, 0.025)
    return image


KINDS: dict[Callable[[Dice, int, int], Image], float] = {
    room: 4,
    gradient: 1.2,
    noise: 1.2,
    texture: 1.2,
    bokeh: 1,
    clutter: 2.5,
}
