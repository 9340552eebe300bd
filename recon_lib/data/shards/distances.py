"""Distance shards: signed distances and surface points of a shard's objects, in a folder within the shard.

They are made of the objects once more, so that shards that exist need not be rendered again.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from ...meshes.mesh import Mesh
from ...progress import Progress
from ..rendering.distances import distance_row
from ..rendering.objects import iterate_objects, list_objects
from ..solids.generator import random_solid
from ..solids.grid import surface_mesh
from .array_shard import ArrayShard, by_column
from .render_shards import OBJECTS_A_SHARD
from .shards import Shard

log = logging.getLogger("recon3d")
FOLDER = "distances"  # within a shard
SOLID_CELLS = 64  # a side of the grid that solids are meshed on


@dataclass(frozen=True)
class DistanceShard(ArrayShard):
    """Of each object of a shard, world frame, memory-mapped."""

    surface: NDArray[np.float16]  # [O,2048,3] farthest points of the surface
    points: NDArray[np.float16]  # [O,Q,3]
    distance: NDArray[np.float16]  # [O,Q] negative inside

    marker, command = "distance", "--shards FOLDER --distances"

    @classmethod
    def of(cls, shard: Path) -> "DistanceShard":
        """The distances of the shard at that folder; `BadInput` where none were made."""
        if not (shard / FOLDER).is_dir():
            raise BadInput(f"{shard} has no distances; add them with `data --shards FOLDER --distances`.")
        return cls.open(shard / FOLDER)


def with_distances(folder: Path) -> list[Path]:
    """Shards below `folder` that have distances, sorted; `BadInput` where there is none."""
    paths = [path for path in Shard.find(folder) if (path / FOLDER / "distance.npy").is_file()]
    if not paths:
        raise BadInput(f"No shard in {folder} has distances; add them with `data --shards FOLDER --distances`.")
    return paths


def add_mesh_distances(
    source: Path,
    out: Path,
    *,
    seed: int = 0,
    split: str = "train",
    up: str = "z",
    limit: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Add distances to the shards that `render_meshes` made below `out` with the same arguments."""
    files = list_objects(source, split)
    files = [files[i] for i in np.random.default_rng(seed).permutation(len(files))[:limit]]
    progress = progress or Progress()
    progress.start("distances of meshes", len(files))
    for first in range(0, len(files), OBJECTS_A_SHARD):
        batch = files[first : first + OBJECTS_A_SHARD]
        meshes = (mesh for _, mesh in iterate_objects(batch, up))
        _add(out / f"meshes_{split}_{seed:03d}_{first:05d}", meshes, seed, progress)
        progress.step(steps=len(batch))


def add_solid_distances(out: Path, seeds: range, *, views: int = 6, progress: Progress | None = None) -> None:
    """Add distances to the shards that `render_solids` made below `out` with the same arguments."""
    progress = progress or Progress()
    progress.start("distances of solids", len(seeds))
    for first in range(seeds.start, seeds.stop, OBJECTS_A_SHARD):
        batch = range(first, min(first + OBJECTS_A_SHARD, seeds.stop))
        meshes = (surface_mesh(random_solid(seed), SOLID_CELLS) for seed in batch)
        _add(out / f"solids_{first:06d}_{views:02d}", meshes, first, progress)
        progress.step(steps=len(batch))


def _add(shard: Path, meshes: Iterator[Mesh], seed: int, progress: Progress) -> None:
    """Distances of the shard's objects, unless it has them, or does not exist."""
    if not Shard.find(shard) or (shard / FOLDER).is_dir():
        return
    rows = []
    for mesh in meshes:
        progress.check()
        rows.append(distance_row(mesh, seed))
    objects = len(Shard.open(shard).points)
    if len(rows) != objects:
        raise BadInput(f"{shard} holds {objects} objects and their files {len(rows)}; give what it was rendered from.")
    DistanceShard.write(shard / FOLDER, by_column(rows))
