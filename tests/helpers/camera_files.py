"""Folders of pictures with their cameras, as COLMAP, LLFF and multi-view stereo write them."""

import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.colmap_lenses import NAMES
from recon_lib.cameras.colmap_write import write_colmap

WIDTH, HEIGHT = 48, 32


def pictures(folder: Path, count: int = 3, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Write plain pictures 0.png ..., each of its own grey. -> their names"""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(np.full((height, width, 3), 40 * i + 20, np.uint8)).save(folder / f"{i}.png")
    return [f"{i}.png" for i in range(count)]


def ring(count: int = 3) -> Cameras:
    """Cameras around the origin, a little from above, with an off-centre lens."""
    cameras = Cameras.orbit([100.0 * i for i in range(count)], 20.0, 3.0, 40.0, HEIGHT, WIDTH)
    return cameras.cropped(1.5, -2.0, WIDTH, HEIGHT)


def colmap_project(folder: Path, count: int = 3) -> Cameras:
    """A project with images and a text model in sparse/0. -> its cameras"""
    cameras = ring(count)
    write_colmap(folder / "sparse" / "0", cameras, pictures(folder / "images", count))
    return cameras


def write_binary(folder: Path, cameras: list[tuple], images: list[tuple], points: int = 0) -> None:
    """Binary COLMAP files of (number, model, width, height, parameters), (number, q, t, camera, name)."""
    folder.mkdir(parents=True, exist_ok=True)
    content = struct.pack("<Q", len(cameras))
    for number, model, width, height, values in cameras:
        model = NAMES.index(model) if isinstance(model, str) else model
        content += struct.pack(f"<iiQQ{len(values)}d", number, model, width, height, *values)
    (folder / "cameras.bin").write_bytes(content)
    content = struct.pack("<Q", len(images))
    for number, q, t, camera, name in images:
        content += struct.pack("<I7dI", number, *q, *t, camera) + name.encode() + b"\0"
        content += struct.pack("<Q", points) + struct.pack("<ddq", 1.5, 2.5, -1) * points
    (folder / "images.bin").write_bytes(content)


def world_to_camera(cameras: Cameras) -> torch.Tensor:
    """[V,3,4] float64."""
    return torch.linalg.inv(cameras.camera_to_world.double())[:, :3]


def same_cameras(found: Cameras, wanted: Cameras, scale: float = 1.0) -> None:
    """Assert that poses, lenses and sizes agree. scale: of the scene, world units."""
    assert (found.width, found.height) == (wanted.width, wanted.height)
    torch.testing.assert_close(found.rotation, wanted.rotation, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.position, wanted.position, atol=1e-5 * scale, rtol=1e-5)
    torch.testing.assert_close(found.intrinsics, wanted.intrinsics, atol=1e-3, rtol=1e-5)
