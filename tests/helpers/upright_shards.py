"""Shards of ellipsoids that have distances."""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from recon_lib.data.rendering.distances import distance_row
from recon_lib.data.shards.array_shard import by_column
from recon_lib.data.shards.distances import FOLDER, DistanceShard
from recon_lib.meshes.mesh import Mesh
from tests.helpers.shapes import ball
from tests.helpers.tiny_shards import AXES, SIZE, write_ellipsoids


def ellipsoid_mesh(axes) -> Mesh:
    unit = ball()
    return Mesh(unit.vertices * torch.tensor(axes, dtype=torch.float32), unit.faces)


def write_upright(folder: Path, views: int = 2, size: int = SIZE) -> Path:
    """`write_ellipsoids` with distances. -> `folder`"""
    write_ellipsoids(folder, views, size)
    DistanceShard.write(folder / "ellipsoids" / FOLDER, distance_columns())
    return folder


@cache
def distance_columns() -> dict:
    """Distances of all ellipsoids, measured once for all tests of a process."""
    return by_column([distance_row(ellipsoid_mesh(axes), seed, 1024, 256) for seed, axes in enumerate(AXES)])


def in_ellipsoid(points: np.ndarray, axes) -> np.ndarray:
    """Negative inside, points [N,3]."""
    return np.linalg.norm(points / np.float64(axes), axis=-1) - 1
