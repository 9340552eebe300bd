"""Training scenes: a rendered object put into a picture, with a background, clutter behind and occluders in front.

After ZeroShape-W's data (Huang et al. 2025, figure 5), with procedural and pasted surroundings in the place of
generated ones. Deterministic: one seed, one scene.

A raw picture has to show which of its things is meant: the one that takes the middle, as in photographs. What is pasted
behind or in front fills less of the middle than what is seen of the object.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..appearance.photometric import photograph, with_shadow
from ..backgrounds.draw import random_background
from .cutouts import Library, paste, place

Background = Callable[[np.random.Generator, int], NDArray[np.uint8]]  # (rng, size) -> [3,size,size]
SMALLEST_SIDE, LARGEST_SIDE = 0.38, 0.97  # the object's longer side, as a share of the image
CLOSE_SIDES = 0.6, 0.92
CLOSE_WANDER, WANDER = 0.04, 0.1  # of the object from the middle, standard deviation, shares of the image
ANYWHERE = 0.3  # share of raw pictures with the object wherever it fits
LEAST_VISIBLE, MANY_VISIBLE, MOST_VISIBLE = 0.3, 0.65, 0.93  # share of an occluded object's area that stays visible
MIDDLE = 0.25  # standard deviation of what counts as the middle, share of the image


@dataclass(frozen=True)
class SceneMix:
    """How often a scene has what. `clean` scenes have a plain background and nothing else."""

    clean: float = 0.25
    occluded: float = 0.85  # of the others an occluder is tried; one in three finds no place
    truncated: float = 0.12  # of the others
    clutter: float = 0.35  # of the others
    close: bool = False  # the object in the middle, at about the size at which `views.square_crop` cuts it out


@dataclass(frozen=True)
class Scene:
    """A picture of S x S pixels and everything that is true of its main object."""

    image: NDArray[np.float32]  # [3,S,S] sRGB 0-1
    mask: NDArray[np.bool_]  # [S,S] visible pixels of the object
    amodal: NDArray[np.bool_]  # [S,S] its pixels, occluders taken away
    occluder: NDArray[np.bool_]  # [S,S] what stands in front of it
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
    """Put the library's `item` into a picture. The library also gives clutter and occluders.

    `background` draws the picture behind it; by default every scene's is computed anew, which takes most of the time.
    """
    rng = np.random.default_rng([seed, 11])
    cutout = library.cutout(item)
    clean = rng.random() < mix.clean
    truncated = not clean and rng.random() < mix.truncated
    side = float(rng.uniform(*(CLOSE_SIDES if mix.close else (SMALLEST_SIDE, LARGEST_SIDE))))
    wander = CLOSE_WANDER if mix.close else WANDER if rng.random() > ANYWHERE else None
    object_layer = place(cutout, rng, size, side, outside=0.3 if truncated else 0.0, wander=wander)
    if clean or mix.close:  # from close, what lies around is masked out
        canvas, occluder = _plain(rng, size), np.zeros((size, size), np.float32) if clean else None
    else:
        canvas = (background or _drawn)(rng, size).transpose(1, 2, 0) / np.float32(255)
        if rng.random() < mix.clutter:
            canvas = _with_clutter(canvas, object_layer.alpha, library, rng)
        occluder = None
    canvas = with_shadow(canvas, object_layer.alpha, rng) if rng.random() < 0.5 else canvas
    canvas = paste(canvas, object_layer)
    if occluder is None:
        occluder = np.zeros((size, size), np.float32)
        if rng.random() < mix.occluded:
            canvas, occluder = _occluded(canvas, object_layer.alpha, library, rng, told=mix.close)
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


def _drawn(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    return random_background(int(rng.integers(2**31)), size, size)


def _plain(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    color = np.ones(3) if rng.random() < 0.5 else rng.uniform(0, 1) + rng.normal(0, 0.12, 3)
    return np.broadcast_to(np.clip(color, 0, 1), (size, size, 3)).astype(np.float32).copy()


def _with_clutter(
    canvas: NDArray[np.float32], alpha: NDArray[np.float32], library: Library, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Paste up to three cut-outs where an object of coverage `alpha` [S,S] will stand in front."""
    for _ in range(int(rng.integers(1, 4))):
        layer = place(library.random(rng), rng, len(alpha), float(rng.uniform(0.15, 0.6)), outside=0.6)
        if prominence(layer.alpha * (1 - alpha)) < prominence(alpha):
            canvas = paste(canvas, layer)
    return canvas


def _occluded(
    canvas: NDArray[np.float32], alpha: NDArray[np.float32], library: Library, rng: np.random.Generator, told: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Paste one or two cut-outs so that part of the object stays visible. -> picture, occluders' coverage [S,S].

    Where the object is not `told` by its mask, it stays the one that takes the middle.
    """
    covered = np.zeros_like(alpha)
    whole = alpha.sum() + 1e-6
    for _ in range(1 if rng.random() < 0.75 else 2):
        other, most = library.random(rng), rng.uniform(MANY_VISIBLE, MOST_VISIBLE)
        for _ in range(16):
            layer = place(other, rng, len(alpha), float(rng.uniform(0.3, 1.1)), outside=0.8)
            now = np.maximum(covered, layer.alpha)
            seen = alpha * (1 - now)
            plain = told or prominence(now) < prominence((alpha + seen) / 2)
            if plain and LEAST_VISIBLE < float(seen.sum() / whole) < most:
                shaded = with_shadow(canvas, layer.alpha, rng) if rng.random() < 0.3 else canvas
                canvas, covered = paste(shaded, layer), now
                break
    return canvas, covered


def prominence(coverage: NDArray[np.float32]) -> float:
    """How much a thing takes the middle of the picture: its coverage [S,S] 0-1 under a Gaussian about the middle."""
    size = len(coverage)
    from_middle = (np.arange(size) + 0.5) / size - 0.5
    weight = np.exp(-((from_middle / MIDDLE) ** 2) / 2)
    return float(weight @ coverage @ weight) / size**2
