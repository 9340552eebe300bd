"""Shards of ellipsoids rendered in closed form: everything that scenes and training read, right to the last digit."""

from pathlib import Path

import numpy as np
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.data.rendering.mesh_renders import ObjectRender
from recon_lib.data.shards.shards import ShardWriter

POINTS = 4096
SIZE = 96
AXES = ((0.9, 0.9, 0.9), (0.95, 0.5, 0.6), (0.4, 0.9, 0.5))
COLORS = ((0.85, 0.2, 0.2), (0.2, 0.8, 0.3), (0.25, 0.3, 0.9))


def ellipsoid_render(axes, camera: Cameras, color=None) -> ObjectRender:
    """The ellipsoid of half axes [3] around the origin in one colour, or in the colours of its places."""
    axes = np.float64(axes)
    origin, direction = (x[0].reshape(-1, 3).numpy().astype(np.float64) for x in camera.rays())
    o, d = origin / axes, direction / axes
    a, b, c = (d * d).sum(-1), (o * d).sum(-1), (o * o).sum(-1) - 1
    square = b * b - a * c
    hit = square > 0
    world = origin + ((-b - np.sqrt(np.where(hit, square, 0))) / a)[:, None] * direction
    rotation = camera.rotation[0].numpy()
    depth = (world - camera.position[0].numpy()) @ rotation[:, 2]
    back = depth + (2 * np.sqrt(np.where(hit, square, 0)) / a) * (direction @ rotation[:, 2])
    normals = world / axes**2
    normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True) @ rotation
    rgb = np.broadcast_to(color, world.shape) if color is not None else (world + 1) / 2
    size = (camera.height, camera.width)

    def image(values, dtype):
        return np.where(hit[:, None], values.reshape(len(hit), -1), 0).astype(dtype).reshape(*size, -1)

    return ObjectRender(
        image(np.round(rgb * 255), np.uint8),
        image(depth, np.float32)[..., 0],
        image(back, np.float32)[..., 0],
        image(normals, np.float32),
        camera,
    )


def ellipsoid_points(axes, count: int = POINTS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points of the unit cube and their packed labels."""
    points = np.random.default_rng(seed).uniform(-1, 1, (count, 3)).astype(np.float16)
    return points, np.packbits(inside_ellipsoid(points, axes))


def inside_ellipsoid(points: np.ndarray, axes) -> np.ndarray:
    return ((points.astype(np.float64) / axes) ** 2).sum(-1) < 1


def camera_around(index: int, size: int = SIZE) -> Cameras:
    """Cameras that differ in everything, principal point and aspect of the pixels included."""
    camera = Cameras.orbit(40.0 * index, 15.0 * (index % 3) - 10, 3.0 + 0.3 * (index % 2), 40, size, size)
    camera = camera.cropped(1.5 - index % 3, 0.7 * (index % 4) - 1, size, size)
    return Cameras(camera.camera_to_world, camera.intrinsics * torch.tensor([[1.03], [1.0], [1.0]]), size, size)


def write_ellipsoids(folder: Path, views: int = 2, size: int = SIZE, placed: bool = False) -> Path:
    """A shard of all ellipsoids below `folder`. -> `folder`. `placed`: coloured by place."""
    writer = ShardWriter()
    for index, (axes, color) in enumerate(zip(AXES, COLORS, strict=True)):
        cameras = [camera_around(index * views + view, size) for view in range(views)]
        renders = (ellipsoid_render(axes, camera, None if placed else color) for camera in cameras)
        writer.add(*ellipsoid_points(axes, seed=index), renders)
    folder.mkdir(parents=True, exist_ok=True)
    writer.write(folder / "ellipsoids")
    return folder
