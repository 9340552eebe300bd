"""Outpainting samples: simulated outpaint masks of rendered orbits in folders of plain arrays, memory-mapped.

A sample is a painter's input (`stages.outpainting.outpaint.PainterInput`, with the same crop) and what it should paint.
"""

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...data.shards.array_shard import ArrayShard, by_column
from ...data.shards.orbits import OrbitShard
from ...progress import Progress
from ...stages.outpainting.outpaint import HULL_SHARE, PainterInput, painter_input
from ...stages.outpainting.simulated_masks import Errors, OrbitRenders, draw_earlier_and_target, simulate_outpaint_mask
from ...views.square_crop import SquareCrop
from ...views.views import Views

SEEN, MASK = 1, 2  # values of `region`; 0 is background
SAMPLE_SIDE_PX = 64
HULL_SHARES = (HULL_SHARE - 0.03, HULL_SHARE + 0.03)  # range of the hull's longer side over the crop's side
MIN_PAINTED_PX = 8  # of a sample; with fewer pixels to be painted there is none


@dataclass(frozen=True)
class OutpaintShard(ArrayShard):
    """Painter's inputs of N views, and the truth."""

    images: NDArray[np.uint8]  # [N,S,S,3] sRGB: seen colours, grey where to be painted, white elsewhere
    region: NDArray[np.uint8]  # [N,S,S] `SEEN`, `MASK` or 0
    relief: NDArray[np.float16]  # [N,S,S] z-depth minus `distance`, 0 where not seen
    normals: NDArray[np.int8]  # [N,S,S,3] camera frame, unit is 127, 0 where not seen
    truth: NDArray[np.uint8]  # [N,S,S,4] sRGB on white, and alpha
    distance: NDArray[np.float32]  # [N] of the camera from the origin
    focal: NDArray[np.float32]  # [N] pixels

    marker, command = "region", "--orbits ORBITS --outpaint-samples FOLDER"

    def sample(self, row: int) -> dict[str, Tensor]:
        """One sample: images [3,S,S] 0-1, seen, masks [1,S,S] 0 or 1, depth [1,S,S], normals [3,S,S], focal [], as in
        a `PainterInput`, and truth [4,S,S] 0-1 (RGB on white, alpha); float32."""
        region = self.region[row][None]
        seen = region == SEEN
        depth = np.where(seen, self.relief[row][None].astype(np.float32) + self.distance[row], 0)
        arrays = {
            "images": self.images[row].transpose(2, 0, 1) / np.float32(255),
            "seen": seen,
            "masks": region == MASK,
            "depth": depth,
            "normals": self.normals[row].transpose(2, 0, 1) / np.float32(127),
            "focal": self.focal[row],
            "truth": self.truth[row].transpose(2, 0, 1) / np.float32(255),
        }
        return {name: torch.from_numpy(np.array(value, np.float32)) for name, value in arrays.items()}


class OutpaintSamples(torch.utils.data.Dataset[dict[str, Tensor]]):
    """All samples below a folder, as `OutpaintShard.sample` returns them."""

    def __init__(self, folder: Path) -> None:
        self.shards = [OutpaintShard.open(path) for path in OutpaintShard.find_some(folder)]
        self.ends = np.cumsum([len(shard) for shard in self.shards]).tolist()

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        shard = bisect_right(self.ends, index)
        return self.shards[shard].sample(index - (self.ends[shard - 1] if shard else 0))


def make_samples(orbits: Path, out: Path, *, count: int = 8, seed: int = 0, progress: Progress | None = None) -> None:
    """Write `count` samples of every orbit below `orbits`, with random errors, into shards below `out`.

    Shards that exist are not written again. Views with nothing to be painted yield no sample.
    """
    folders, progress = OrbitShard.find_some(orbits), progress or Progress()
    progress.start("outpainting samples", len(folders))
    for folder in folders:
        target = out / f"{folder.name}_{seed:03d}"
        if not target.exists():
            shard, rows, folder_seed = OrbitShard.open(folder), [], crc32(folder.name.encode())
            for row in range(len(shard)):
                progress.check()
                rows += _orbit_samples(shard.views(row), count, np.random.default_rng([seed, folder_seed, row, 13]))
            if rows:
                OutpaintShard.write(target, by_column(rows))
        progress.step()


def _orbit_samples(views: Views, count: int, rng: np.random.Generator) -> list[dict[str, NDArray]]:
    """Rows of `OutpaintShard` from one orbit."""
    if not (views.depth > 0).flatten(1).any(1).all():
        return []  # so thin that a view shows nothing of it
    orbit, rows = OrbitRenders.of(views), []
    for _ in range(count):
        earlier, target = draw_earlier_and_target(rng, len(views))
        outpaint_mask = simulate_outpaint_mask(orbit, earlier, target, Errors.random(rng), rng)
        crop = SquareCrop.around(outpaint_mask.silhouettes[0, 0], float(rng.uniform(*HULL_SHARES)))
        inputs = painter_input(outpaint_mask, crop, SAMPLE_SIDE_PX)
        if inputs.masks.sum() >= MIN_PAINTED_PX:
            rows.append(packed(inputs, _target(crop, views[target]), float(outpaint_mask.cameras.position.norm())))
    return rows


def _target(crop: SquareCrop, view: Views) -> Tensor:
    """The view as the painter should paint it, [1,4,S,S] 0-1: RGB on white, alpha."""
    return torch.cat([crop.crop(view.images, SAMPLE_SIDE_PX), crop.crop_coverage(view.masks, SAMPLE_SIDE_PX)], 1)


def packed(inputs: PainterInput, truth: Tensor, distance: float) -> dict[str, NDArray]:
    """One row of an `OutpaintShard`: a painter's input, the truth [1,4,S,S] 0-1 and the camera's distance."""
    seen = inputs.seen
    return {
        "images": _bytes(inputs.images),
        "region": (seen * SEEN + inputs.masks * MASK)[0, 0].byte().numpy(),
        "relief": ((inputs.depth - distance) * seen)[0, 0].half().numpy(),
        "normals": (inputs.normals * seen * 127)[0].round().to(torch.int8).movedim(0, -1).contiguous().numpy(),
        "truth": _bytes(truth),
        "distance": np.float32(distance),
        "focal": inputs.focal[0].numpy(),
    }


def _bytes(images: Tensor) -> NDArray[np.uint8]:
    """[1,C,S,S] 0-1 -> [S,S,C]."""
    return (images[0].clamp(0, 1) * 255).round().byte().movedim(0, -1).contiguous().numpy()
