"""Training scenes: a rendered object put into a picture, with a background, clutter behind and occluders in front.

After ZeroShape-W's data (Huang et al. 2025, figure 5), with procedural and pasted surroundings in the place of
generated ones. Deterministic: one seed, one scene.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .backgrounds import random_background
from .cutouts import Library, paste, place
from .photometric import photograph, with_shadow

Background = Callable[[np.random.Generator, int], NDArray[np.uint8]]  # (rng, size) -> [3,size,size]
SMALLEST_SIDE, LARGEST_SIDE = 0.38, 0.97  # the object's longer side, as a share of the image
CLOSE_SIDES = 0.6, 0.92
LEAST_VISIBLE, MOST_VISIBLE = 0.3, 0.93  # share of an occluded object's area that stays visible


@dataclass(frozen=True)
class SceneMix:
    """How often a scene has what. `clean` scenes have a plain background and nothing else."""

    clean: float = 0.25
    occluded: float = 0.6  # of the others
    truncated: float = 0.12  # of the others
    clutter: float = 0.35  # of the others
    close: bool = False  # the object in the middle, at about the size at which `stages.window` cuts it out


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
    object_layer = place(cutout, rng, size, side, outside=0.3 if truncated else 0.0, centred=mix.close)
    if clean or mix.close:  # from close, what lies around is masked out
        canvas, occluder = _plain(rng, size), np.zeros((size, size), np.float32) if clean else None
    else:
        canvas = (background or _drawn)(rng, size).transpose(1, 2, 0) / np.float32(255)
        if rng.random() < mix.clutter:
            canvas = _with_clutter(canvas, library, rng, size)
        occluder = None
    canvas = with_shadow(canvas, object_layer.alpha, rng) if rng.random() < 0.5 else canvas
    canvas = paste(canvas, object_layer)
    if occluder is None:
        occluder = np.zeros((size, size), np.float32)
        if rng.random() < mix.occluded:
            canvas, occluder = _occluded(canvas, object_layer.alpha, library, rng, size)
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
    canvas: NDArray[np.float32], library: Library, rng: np.random.Generator, size: int
) -> NDArray[np.float32]:
    for _ in range(int(rng.integers(1, 4))):
        layer = place(library.random(rng), rng, size, float(rng.uniform(0.15, 0.6)), outside=0.6)
        canvas = paste(canvas, layer)
    return canvas


def _occluded(
    canvas: NDArray[np.float32], alpha: NDArray[np.float32], library: Library, rng: np.random.Generator, size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Paste one or two cut-outs so that part of the object stays visible. -> picture, occluders' coverage [S,S]."""
    covered = np.zeros((size, size), np.float32)
    whole = alpha.sum() + 1e-6
    for _ in range(1 if rng.random() < 0.75 else 2):
        other = library.random(rng)
        for _ in range(6):
            layer = place(other, rng, size, float(rng.uniform(0.3, 1.1)), outside=0.8)
            now = np.maximum(covered, layer.alpha)
            visible = float((alpha * (1 - now)).sum() / whole)
            if LEAST_VISIBLE < visible < MOST_VISIBLE:
                shaded = with_shadow(canvas, layer.alpha, rng) if rng.random() < 0.3 else canvas
                canvas, covered = paste(shaded, layer), now
                break
    return canvas, covered
