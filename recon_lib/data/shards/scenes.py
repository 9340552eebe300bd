"""Training scenes: a rendered object in a picture, with a background, clutter behind it and occluders in front.

After ZeroShape-W's data (Huang et al. 2025, figure 5), with procedural and pasted surroundings in place of
generated ones. Deterministic: one seed, one scene.

A whole picture has to show which of its objects is the main one: the most central one, as in photographs. Clutter and
occluders therefore cover less of the centre than the object's visible part.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..appearance.photometric import photograph, with_shadow
from ..backgrounds.draw import random_background
from .cutouts import Library, paste, place

Background = Callable[[np.random.Generator, int], NDArray[np.uint8]]  # (rng, size) -> [3,size,size]
MIN_SIDE, MAX_SIDE = 0.38, 0.97  # range of the object's longer side over the image's side
CROP_SIDES = 0.6, 0.92  # the same in object crops
CROP_OFFSET_STD, OFFSET_STD = 0.04, 0.1  # of the object from the centre, fractions of the image's side
OFF_CENTRE = 0.3  # fraction of whole pictures with the object at any position
MIN_VISIBLE, MANY_VISIBLE, MAX_VISIBLE = 0.3, 0.65, 0.93  # fraction of an occluded object's area that stays visible
CENTRE_STD = 0.25  # of the Gaussian weight around the centre, fraction of the image's side


@dataclass(frozen=True)
class SceneMix:
    """Probabilities of what a scene contains. `clean` scenes have a plain background and nothing else."""

    clean: float = 0.25
    occluded: float = 0.85  # of the others: an occluder is tried; one in three finds no position
    truncated: float = 0.12  # of the others
    clutter: float = 0.35  # of the others
    close: bool = False  # object crops: the object in the centre, about as large as in a crop of `views.square_crop`


@dataclass(frozen=True)
class Scene:
    """A picture of S x S pixels and the ground truth of its main object."""

    image: NDArray[np.float32]  # [3,S,S] sRGB 0-1
    mask: NDArray[np.bool_]  # [S,S] visible pixels of the object
    amodal: NDArray[np.bool_]  # [S,S] all its pixels, also those behind occluders
    occluder: NDArray[np.bool_]  # [S,S] occluders in front of it
    depth: NDArray[np.float32]  # [S,S] z-depth of the object (behind occluders too), 0 = none
    thickness: NDArray[np.float32]  # [S,S] z-depth from its first to its last surface
    normals: NDArray[np.float32]  # [3,S,S] camera frame
    intrinsics: NDArray[np.float32]  # [3,3] pixels
    world_to_camera: NDArray[np.float32]  # [4,4]
    item: tuple[int, int]  # shard and row of the object in the library


def compose_scene(
    library: Library,
    item: tuple[int, int],
    seed: int,
    size: int = 128,
    mix: SceneMix = SceneMix(),
    background: Background | None = None,
) -> Scene:
    """Scene with the library's `item` as its main object; clutter and occluders come from the library too.

    `background` returns the picture behind it; by default every scene draws a new one, which takes most of the time.
    """
    rng = np.random.default_rng([seed, 11])
    cutout = library.cutout(item)
    clean = rng.random() < mix.clean
    truncated = not clean and rng.random() < mix.truncated
    side = float(rng.uniform(*(CROP_SIDES if mix.close else (MIN_SIDE, MAX_SIDE))))
    offset_std = CROP_OFFSET_STD if mix.close else OFFSET_STD if rng.random() > OFF_CENTRE else None
    object_layer = place(cutout, rng, size, side, outside=0.3 if truncated else 0.0, offset_std=offset_std)
    if clean or mix.close:  # in object crops the surroundings are masked out
        canvas, occluder = _plain(rng, size), np.zeros((size, size), np.float32) if clean else None
    else:
        canvas = (background or _random_background)(rng, size).transpose(1, 2, 0) / np.float32(255)
        if rng.random() < mix.clutter:
            canvas = _with_clutter(canvas, object_layer.alpha, library, rng)
        occluder = None
    canvas = with_shadow(canvas, object_layer.alpha, rng) if rng.random() < 0.5 else canvas
    canvas = paste(canvas, object_layer)
    if occluder is None:
        occluder = np.zeros((size, size), np.float32)
        if rng.random() < mix.occluded:
            canvas, occluder = _occluded(canvas, object_layer.alpha, library, rng, has_masks=mix.close)
    # an edge pixel may be half covered and yet hold no depth: it must not count as seen
    amodal = (object_layer.alpha > 0.5) & ~np.isnan(object_layer.relief)
    return Scene(
        photograph(canvas, rng).transpose(2, 0, 1),
        amodal & (occluder < 0.5),
        amodal,
        occluder > 0.5,
        np.where(np.isnan(object_layer.relief), 0, object_layer.relief + cutout.world_to_camera[2, 3]),
        np.nan_to_num(object_layer.thickness),
        object_layer.normals.transpose(2, 0, 1),
        object_layer.intrinsics,
        cutout.world_to_camera,
        item,
    )


def _random_background(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    return random_background(int(rng.integers(2**31)), size, size)


def _plain(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    color = np.ones(3) if rng.random() < 0.5 else rng.uniform(0, 1) + rng.normal(0, 0.12, 3)
    return np.broadcast_to(np.clip(color, 0, 1), (size, size, 3)).astype(np.float32).copy()


def _with_clutter(
    canvas: NDArray[np.float32], alpha: NDArray[np.float32], library: Library, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The canvas with up to three cut-outs, less prominent than an object of coverage `alpha` [S,S] in front."""
    for _ in range(int(rng.integers(1, 4))):
        layer = place(library.random(rng), rng, len(alpha), float(rng.uniform(0.15, 0.6)), outside=0.6)
        if prominence(layer.alpha * (1 - alpha)) < prominence(alpha):
            canvas = paste(canvas, layer)
    return canvas


def _occluded(
    canvas: NDArray[np.float32], alpha: NDArray[np.float32], library: Library, rng: np.random.Generator, has_masks: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The canvas with one or two occluders that leave part of the object visible, and their coverage [S,S].

    If the network has no input masks, the object stays the most prominent one.
    """
    coverage = np.zeros_like(alpha)
    whole = alpha.sum() + 1e-6
    for _ in range(1 if rng.random() < 0.75 else 2):
        other, max_visible = library.random(rng), rng.uniform(MANY_VISIBLE, MAX_VISIBLE)
        for _ in range(16):
            layer = place(other, rng, len(alpha), float(rng.uniform(0.3, 1.1)), outside=0.8)
            new_coverage = np.maximum(coverage, layer.alpha)
            seen = alpha * (1 - new_coverage)
            prominent = has_masks or prominence(new_coverage) < prominence((alpha + seen) / 2)
            if prominent and MIN_VISIBLE < float(seen.sum() / whole) < max_visible:
                shaded = with_shadow(canvas, layer.alpha, rng) if rng.random() < 0.3 else canvas
                canvas, coverage = paste(shaded, layer), new_coverage
                break
    return canvas, coverage


def prominence(coverage: NDArray[np.float32]) -> float:
    """Prominence of an object in the picture: its coverage [S,S] 0-1, weighted by a Gaussian around the centre."""
    size = len(coverage)
    offset = (np.arange(size) + 0.5) / size - 0.5
    weight = np.exp(-((offset / CENTRE_STD) ** 2) / 2)
    return float(weight @ coverage @ weight) / size**2
