"""Orbits of ellipsoids rendered in closed form, coloured by position: training data of outpainters without a mesh."""

from functools import cache
from pathlib import Path

import numpy as np

from recon_lib.cameras.camera import Cameras
from recon_lib.data.shards.array_shard import by_column
from recon_lib.data.shards.orbits import SAMPLES, OrbitShard, orbit_arrays
from recon_lib.views.next_views import ring
from tests.helpers.tiny_shards import AXES, ellipsoid_render


def orbit_cameras(size: int) -> Cameras:
    directions = [(0.0, 0.0), *ring()]
    return Cameras.orbit([a for a, _ in directions], [e + 12 for _, e in directions], 3.4, 36.0, size, size)


@cache
def orbit_columns(size: int, axes: tuple) -> dict:
    """The orbits, rendered once for all tests of a process."""
    cameras, rows = orbit_cameras(size), []
    fine = cameras.resized(SAMPLES * size, SAMPLES * size)
    for half in axes:
        shots = [ellipsoid_render(np.float64(half) * 0.95, fine[i]) for i in range(len(fine))]
        rows.append(orbit_arrays(shots, cameras))
    return by_column(rows)


def write_ellipsoid_orbits(folder: Path, size: int = 32, axes=AXES) -> Path:
    """Write a shard of orbits of all ellipsoids below `folder`. -> `folder`."""
    OrbitShard.write(folder / "ellipsoids", orbit_columns(size, tuple(axes)))
    return folder
