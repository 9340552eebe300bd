"""A tiny prior of views, and views of ellipsoids all around, for tests of it."""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.data.shards.array_shard import by_column
from recon_lib.data.shards.orbits import SAMPLES, OrbitShard, orbit_arrays
from recon_lib.networks.view_diffusion.config import ViewDiffusionConfig
from recon_lib.networks.view_diffusion.model import ViewDiffusion
from recon_lib.views.views import Views
from tests.helpers.tiny_shards import AXES, ellipsoid_render

SIDE = 32
TINY = ViewDiffusionConfig(
    side=SIDE, features=4, samples=6, channels=(8, 16), groups=4, heads=2, token_width=8, train_steps=100
)


def tiny_model(seed: int = 0) -> ViewDiffusion:
    """Random weights, those of the last layer too, so that all inputs count."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ViewDiffusion(TINY)
        torch.nn.init.normal_(model.unet.conv_out.weight, std=0.1)
    return model.eval().requires_grad_(False)


def cameras_around(count: int, side: int = SIDE) -> Cameras:
    azimuth = [360 / count * i for i in range(count)]
    return Cameras.orbit(azimuth, [10.0 + 20 * (i % 3) for i in range(count)], 3.4, 36.0, side, side)


def ellipsoid_rows(cameras: Cameras, axes) -> dict:
    fine = cameras.resized(SAMPLES * cameras.height, SAMPLES * cameras.width)
    shots = [ellipsoid_render(np.float64(axes) * 0.95, fine[i]) for i in range(len(fine))]
    return orbit_arrays(shots, cameras)


@cache
def scattered_columns(views: int) -> dict:
    """All ellipsoids, rendered once for all tests of a process."""
    return by_column([ellipsoid_rows(cameras_around(views), axes) for axes in AXES])


def write_scattered_ellipsoids(folder: Path, views: int = 10) -> Path:
    """Write a shard of all ellipsoids below `folder`. -> `folder`"""
    OrbitShard.write(folder / "ellipsoids", scattered_columns(views))
    return folder


def ellipsoid_views(folder: Path, row: int = 1) -> Views:
    """Views of one of them; the folder is a scratch one."""
    return OrbitShard.open(write_scattered_ellipsoids(folder) / "ellipsoids").views(row)
