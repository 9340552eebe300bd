"""Bad renders: what a field fitted to a few views shows from a new camera, imitated, to train the repair on.

Where an input saw the surface such a field is about right: a little blurred and shifted. Elsewhere its colours are
those of other views, carried to the wrong place on the visual hull. Floaters and haze lie over both.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...networks.view_diffusion.pixel_nerf import in_picture, read_pixels
from ...views.views import Views

SAME_SURFACE = 0.06  # world units between a point and an input's surface, up to which the input sees the point
MOST_FLOATERS = 6


@dataclass(frozen=True)
class Dice:
    """Random numbers of one bad render."""

    rng: np.random.Generator

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def smooth(self, side: int, channels: int, cells: int) -> Tensor:
        """Smooth noise [1,channels,side,side] of about unit variance, its grains a `cells`-th of the picture."""
        grains = torch.from_numpy(self.rng.normal(size=(1, channels, cells, cells)).astype(np.float32))
        return F.interpolate(grains, (side, side), mode="bicubic", align_corners=False)


def bad_render(target: Views, inputs: Views, hull: Tensor, rng: np.random.Generator) -> Tensor:
    """A bad render [1,3,S,S] of the target view (with depth); hull [1,3,S,S] is its render with wrong colours."""
    dice, side = Dice(rng), target.images.shape[-1]
    if rng.random() < 0.1:
        return hull
    strength = dice.between(0, 1)
    good = _shifted(_blurred(target.images, dice.between(0, 1.5) * strength), dice, 3.0 * strength)
    unseen = F.avg_pool2d(1 - seen_by(target, inputs), 5, 1, 2)
    noise = dice.smooth(side, 1, int(rng.integers(3, 9)))
    wrong = ((unseen * dice.between(0.3, 1) + 0.35 * noise * strength - 0.15) * 4).clamp(0, 1)
    render = good.lerp(hull, wrong)
    return _hazy(_with_floaters(render, dice, strength), target.masks, dice, strength).clamp(0, 1)


def seen_by(target: Views, inputs: Views) -> Tensor:
    """Whether an input sees the surface at each pixel of the target, [1,1,S,S]; the background counts as seen."""
    points = target.cameras.unproject(target.depth).reshape(-1, 3)
    pixels, depth = inputs.cameras.project(points)
    surface = read_pixels(inputs.depth, pixels, inputs.cameras)[..., 0]
    seen = in_picture(pixels, depth, inputs.cameras) & ((surface - depth).abs() < SAME_SURFACE)
    return (seen.any(0).view_as(target.masks) | (target.depth == 0)).float()


def carried_colors(
    inputs: Views, camera: Cameras, distance: Tensor, opacity: Tensor, rng: np.random.Generator
) -> Tensor:
    """Colours of the inputs on a wrong surface, [1,3,S,S]: about `distance` along the rays, of opacity [1,1,s,s].

    Each place is coloured by the inputs that look from about the target's side, over white.
    """
    side = camera.height
    distance, opacity = (F.interpolate(x, (side, side), mode="bilinear") for x in (distance, opacity))
    distance = distance + float(rng.uniform(0, 0.06)) * Dice(rng).smooth(side, 1, int(rng.integers(3, 9)))
    origin, direction = camera.rays()
    points = (origin + distance[0, 0, ..., None] * direction).reshape(-1, 3)
    pixels, _ = inputs.cameras.project(points)
    colors = read_pixels(inputs.images, pixels, inputs.cameras)
    cos = F.normalize(inputs.cameras.position, dim=-1) @ F.normalize(camera.position[0], dim=0)
    weights = (cos * float(rng.uniform(2, 20))).softmax(0)
    image = (weights[:, None, None] * colors).sum(0).T.reshape(1, 3, side, side)
    return image * opacity + 1 - opacity


def _blurred(image: Tensor, sigma: float) -> Tensor:
    if sigma < 0.2:
        return image
    x = torch.arange(-4, 5, dtype=torch.float32)
    kernel = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    rows = F.conv2d(F.pad(image, (4, 4, 0, 0), mode="replicate"), kernel[:, :, None], groups=3)
    return F.conv2d(F.pad(rows, (0, 0, 4, 4), mode="replicate"), kernel[..., None], groups=3)


def _shifted(image: Tensor, dice: Dice, pixels: float) -> Tensor:
    """The picture, warped smoothly by about so many pixels."""
    side = image.shape[-1]
    grid = F.affine_grid(torch.eye(2, 3)[None], [1, 3, side, side], align_corners=False)
    offset = dice.smooth(side, 2, int(dice.rng.integers(2, 8))).movedim(1, -1) * (pixels * 2 / side)
    return F.grid_sample(image, grid + offset, padding_mode="border", align_corners=False)


def _with_floaters(image: Tensor, dice: Dice, strength: float) -> Tensor:
    """Blobs of the picture's own colours, anywhere."""
    side = image.shape[-1]
    at = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(at, at, indexing="ij")
    for _ in range(int(dice.rng.integers(0, MOST_FLOATERS + 1) * strength)):
        row, column = dice.rng.integers(0, side, 2)
        color = image[:, :, row, column, None, None] * dice.between(0.6, 1.1)
        size = dice.between(0.01, 0.07)
        angle, stretch = dice.between(0, np.pi), dice.between(1, 4)
        dx, dy = x - dice.between(0.1, 0.9), y - dice.between(0.1, 0.9)
        along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        blob = torch.exp(-((along / (size * stretch)) ** 2 + (across / size) ** 2))
        image = image.lerp(color.expand_as(image), blob * dice.between(0.3, 1))
    return image


def _hazy(image: Tensor, mask: Tensor, dice: Dice, strength: float) -> Tensor:
    """Holes through which the white background shows, and a wrong exposure of the object."""
    side = image.shape[-1]
    haze = (dice.smooth(side, 1, int(dice.rng.integers(2, 7))) - dice.between(0.8, 2.5)).clamp(0, 1) * strength
    exposure = 1 + (dice.between(-0.15, 0.15)) * strength * mask
    return (1 - (1 - image) * (1 - haze)) * exposure
