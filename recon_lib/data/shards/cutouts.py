"""Cut-outs: renders drawn from shards, scaled, moved, and pasted into pictures."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from .shards import Shard


@dataclass(frozen=True)
class Cutout:
    """One render as it is stored in its shard."""

    rgb: NDArray[np.uint8]  # [S,S,3]
    relief: NDArray[np.float16]  # [S,S] NaN = nothing
    thickness: NDArray[np.float16]  # [S,S] NaN = nothing
    normals: NDArray[np.int8]  # [S,S,3]
    intrinsics: NDArray[np.float32]  # [3,3]
    world_to_camera: NDArray[np.float32]  # [4,4]


@dataclass(frozen=True)
class Layer:
    """A cut-out at its position in a picture of S x S pixels."""

    rgb: NDArray[np.float32]  # [S,S,3] times alpha
    alpha: NDArray[np.float32]  # [S,S] 0-1
    relief: NDArray[np.float32]  # [S,S] NaN = nothing
    thickness: NDArray[np.float32]  # [S,S] NaN = nothing
    normals: NDArray[np.float32]  # [S,S,3]
    intrinsics: NDArray[np.float32]  # [3,3] of the picture


class Library:
    """All renders of a folder of shards. An item is (shard, row)."""

    def __init__(self, folder: Path) -> None:
        self.paths = Shard.find(folder)
        if not self.paths:
            raise BadInput(f"No rendered shard in {folder}; make some with `python -m recon_lib data`.")
        self._shards: dict[int, Shard] = {}

    def shard(self, index: int) -> Shard:
        if index not in self._shards:
            self._shards[index] = Shard.open(self.paths[index])
        return self._shards[index]

    @cached_property
    def _ends(self) -> list[int]:
        return np.cumsum([len(self.shard(i)) for i in range(len(self.paths))]).tolist()

    def __len__(self) -> int:
        return self._ends[-1]

    def item(self, index: int) -> tuple[int, int]:
        """Item (shard, row) of an index in [0, len)."""
        shard = bisect_right(self._ends, index)
        return shard, index - (self._ends[shard - 1] if shard else 0)

    def cutout(self, item: tuple[int, int]) -> Cutout:
        shard, row = self.shard(item[0]), item[1]
        names = ("rgb", "relief", "thickness", "normals", "intrinsics", "world_to_camera")
        return Cutout(*(getattr(shard, name)[row] for name in names))

    def random(self, rng: np.random.Generator) -> Cutout:
        return self.cutout(self.item(int(rng.integers(len(self)))))

    def points(
        self, item: tuple[int, int], count: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """`count` labelled points of the item's object, world frame: [count,3], [count]."""
        shard = self.shard(item[0])
        row = int(shard.object[item[1]])
        total = shard.points.shape[1]
        start = int(rng.integers(total // 8)) * 8
        rows = (start + np.arange(count)) % total  # points are shuffled: any run is a random sample
        inside = np.unpackbits(shard.inside[row])[rows]
        return shard.points[row, rows].astype(np.float32), inside.astype(bool)


def place(
    cutout: Cutout,
    rng: np.random.Generator,
    size: int,
    side: float,
    outside: float = 0.0,
    offset_std: float | None = None,
) -> Layer:
    """Layer of the cut-out at a random position; its longer side is the fraction `side` of the picture.

    With `outside`, that fraction of its bounding box may lie beyond the picture's edge. Otherwise `offset_std`, the
    standard deviation from the centre as a fraction of the picture, keeps it near the centre, and whole if it fits.
    """
    covered = ~np.isnan(cutout.relief)
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    scale = side * size / max(bottom - top, right - left)
    height, width = max(round((bottom - top) * scale), 2), max(round((right - left) * scale), 2)
    if offset_std is not None and not outside:
        y, x = (_near_centre(rng, n, size, offset_std) for n in (height, width))
    else:
        y, x = _offset(rng, height, size, outside), _offset(rng, width, size, outside)
    box = (slice(top, bottom), slice(left, right))
    rgb = _resized(cutout.rgb[box], height, width)
    alpha = _resized((covered[box] * 255).astype(np.uint8), height, width)
    nearest_row = ((np.arange(height) + 0.5) * (bottom - top) / height).astype(int)
    nearest_column = ((np.arange(width) + 0.5) * (right - left) / width).astype(int)
    nearest = np.ix_(nearest_row, nearest_column)
    intrinsics = cutout.intrinsics.astype(np.float32).copy()
    intrinsics[0] = (intrinsics[0] - [0, 0, left]) * (width / (right - left)) + [0, 0, x]
    intrinsics[1] = (intrinsics[1] - [0, 0, top]) * (height / (bottom - top)) + [0, 0, y]
    return Layer(
        _onto(rgb, size, y, x, 0.0),
        _onto(alpha, size, y, x, 0.0),
        _onto(cutout.relief[box][nearest].astype(np.float32), size, y, x, np.nan),
        _onto(cutout.thickness[box][nearest].astype(np.float32), size, y, x, np.nan),
        _onto(cutout.normals[box][nearest].astype(np.float32) / 127, size, y, x, 0.0),
        intrinsics,
    )


def _near_centre(rng: np.random.Generator, length: int, size: int, offset_std: float) -> int:
    free = abs(size - length) / 2
    return round((size - length) / 2 + np.clip(size * rng.normal(0, offset_std), -free, free))


def _offset(rng: np.random.Generator, length: int, size: int, outside: float) -> int:
    beyond = int(length * outside)
    low, high = -beyond, size - length + beyond
    return int(rng.integers(low, high + 1)) if high >= low else (size - length) // 2


def _resized(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32) / 255


def _onto(patch: NDArray[np.float32], size: int, y: int, x: int, empty: float) -> NDArray[np.float32]:
    """Picture with the patch's corner at (x, y) and `empty` elsewhere; the patch is cut at the edges."""
    picture = np.full((size, size, *patch.shape[2:]), empty, np.float32)
    height, width = patch.shape[:2]
    rows, columns = slice(max(y, 0), min(y + height, size)), slice(max(x, 0), min(x + width, size))
    picture[rows, columns] = patch[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    return picture


def paste(canvas: NDArray[np.float32], layer: Layer) -> NDArray[np.float32]:
    """Alpha compositing of the layer over the canvas [S,S,3]."""
    return canvas * (1 - layer.alpha[..., None]) + layer.rgb
