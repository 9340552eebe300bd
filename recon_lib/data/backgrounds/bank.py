"""Bank of stored backgrounds, cropped anew for every scene: drawing one takes longer than the rest of a scene."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...files import written_whole
from ...progress import Progress
from .draw import random_background

STORED_SIDE_FACTOR = 1.3  # stored side over the scene's side, so that crops differ


def draw_backgrounds(
    path: Path,
    count: int,
    size: int = 128,
    photos: Sequence[NDArray[np.uint8]] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Write `count` backgrounds of `STORED_SIDE_FACTOR` * size pixels a side as one array [count,3,S,S] uint8."""
    progress = progress or Progress()
    progress.start("drawing backgrounds", count)
    side = round(size * STORED_SIDE_FACTOR)
    pictures = np.empty((count, 3, side, side), np.uint8)
    for i in range(count):
        pictures[i] = random_background(seed * 1_000_003 + i, side, side, photos)
        progress.step()
    with written_whole(path) as beside:
        np.save(beside, pictures)


class BackgroundBank:
    """Random crops of stored backgrounds, mirrored half of the time, sometimes with permuted channels."""

    def __init__(self, path: Path) -> None:
        self._pictures = np.load(path, mmap_mode="r")

    def __call__(self, rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
        picture = self._pictures[rng.integers(len(self._pictures))]
        y, x = rng.integers(0, picture.shape[1] - size + 1, 2)
        crop = picture[:, y : y + size, x : x + size]
        if rng.random() < 0.5:
            crop = crop[:, :, ::-1]
        return crop[rng.permutation(3)] if rng.random() < 0.3 else crop
