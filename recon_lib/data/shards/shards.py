"""Shards of renders of a few objects and of their labelled points."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..rendering.mesh_renders import ObjectRender
from .array_shard import ArrayShard, by_column

POINTS = 32768  # labelled points an object


@dataclass(frozen=True)
class Shard(ArrayShard):
    """Renders of one batch of objects, memory-mapped."""

    rgb: NDArray[np.uint8]  # [R,S,S,3]
    relief: NDArray[np.float16]  # [R,S,S] z-depth minus the depth of the object's origin; NaN = nothing
    thickness: NDArray[np.float16]  # [R,S,S] z-depth from the first to the last surface; NaN = nothing
    normals: NDArray[np.int8]  # [R,S,S,3] camera frame, unit is 127
    intrinsics: NDArray[np.float32]  # [R,3,3]
    world_to_camera: NDArray[np.float32]  # [R,4,4]
    object: NDArray[np.int32]  # [R] row into points
    points: NDArray[np.float16]  # [O,POINTS,3] world
    inside: NDArray[np.uint8]  # [O,POINTS/8] packed bits

    marker, command = "object", "--shards"


class ShardWriter:
    """Collects the renders of some objects and writes them at once."""

    def __init__(self) -> None:
        self._rows: list[dict[str, NDArray]] = []
        self._points: list[NDArray[np.float16]] = []
        self._inside: list[NDArray[np.uint8]] = []

    def add(self, points: NDArray[np.float16], inside: NDArray[np.uint8], renders: Iterator[ObjectRender]) -> None:
        """Add one object: its labelled points and its renders."""
        for render in renders:
            pose = np.linalg.inv(render.camera.camera_to_world[0].numpy().astype(np.float64)).astype(np.float32)
            relief = np.where(render.depth > 0, render.depth - pose[2, 3], np.nan)
            self._rows.append(
                {
                    "rgb": render.rgb,
                    "relief": relief.astype(np.float16),
                    "thickness": np.where(render.depth > 0, render.back - render.depth, np.nan).astype(np.float16),
                    "normals": np.round(render.normals * 127).astype(np.int8),
                    "intrinsics": render.camera.intrinsics[0].numpy(),
                    "world_to_camera": pose,
                    "object": np.int32(len(self._points)),
                }
            )
        self._points.append(points[:POINTS])
        self._inside.append(inside[: POINTS // 8])

    def write(self, folder: Path) -> None:
        """Write the shard into the new folder `folder`."""
        Shard.write(folder, {**by_column(self._rows), "points": self._points, "inside": self._inside})
