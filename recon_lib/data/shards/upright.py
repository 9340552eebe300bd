"""Objects of shards in the upright frame of a view: normalised, with surface points and signed distances."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...cameras.upright import upright_rotation
from .cutouts import Library
from .distances import DistanceShard, with_distances

CANDIDATES = 3  # times as many points are looked at as are taken
FULL, LEAST = (
    0.02,
    0.2,
)  # chance of a point to be taken: full from that far off the surface (object sides), at least that


@dataclass(frozen=True)
class UprightObject:
    """An object as one view's upright frame has it: its box is centred and the box's longest side is 1."""

    points: NDArray[np.float32]  # [N,3]
    distance: NDArray[np.float32]  # [N] negative inside
    surface: NDArray[np.float32]  # [P,3] spread evenly
    up: NDArray[np.float32]  # [3] unit, camera frame
    object_to_camera: NDArray[np.float32]  # [4,4] rotation and translation, object sides


class DistanceLibrary(Library):
    """The renders of a folder whose shards have distances."""

    def __init__(self, folder: Path) -> None:
        self.paths, self._shards = with_distances(folder), {}
        self._distances: dict[int, DistanceShard] = {}

    def distances(self, shard: int) -> DistanceShard:
        if shard not in self._distances:
            self._distances[shard] = DistanceShard.of(self.paths[shard])
        return self._distances[shard]

    def upright(
        self,
        item: tuple[int, int],
        world_to_camera: NDArray[np.float32],  # [4,4]
        count: int,
        surface_count: int,
        rng: np.random.Generator,
    ) -> UprightObject:
        """The item's object with `count` of its points and `surface_count` (at most 2048) surface points."""
        shard = self.distances(item[0])
        row = int(self.shard(item[0]).object[item[1]])
        up = world_to_camera[:3, 1]
        turn = upright_rotation(torch.from_numpy(up[None].copy()))[0].numpy()
        world_to_upright = turn.T @ world_to_camera[:3, :3]
        whole = shard.surface[row].astype(np.float32) @ world_to_upright.T
        low, high = whole.min(0), whole.max(0)
        centre, side = (low + high) / 2, float((high - low).max())
        rows = _drawn(shard.distance[row], side, count, rng)
        pose = np.eye(4, dtype=np.float32)
        pose[:3, :3] = turn
        pose[:3, 3] = (turn @ centre + world_to_camera[:3, 3]) / side
        return UprightObject(
            (shard.points[row, rows].astype(np.float32) @ world_to_upright.T - centre) / side,
            shard.distance[row, rows].astype(np.float32) / side,
            (whole[:surface_count] - centre) / side,
            up.astype(np.float32),
            pose,
        )


def _drawn(distance: NDArray[np.float16], side: float, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of `count` points of an object, fewer of those closest to the surface.

    Three quarters of LIST's points lie closer than a network of this size can resolve.
    """
    total = len(distance)
    start = int(rng.integers(total))
    rows = (start + np.arange(min(CANDIDATES * count, total))) % total  # they are shuffled: any run is a sample
    chance = np.clip(np.abs(distance[rows].astype(np.float64)) / (side * FULL), LEAST, 1)
    return rows[rng.choice(len(rows), min(count, len(rows)), replace=False, p=chance / chance.sum())]
