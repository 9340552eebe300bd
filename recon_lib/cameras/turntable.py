"""Cameras that walk once around an object and keep it in the frame."""

import math
from dataclasses import replace

from torch import Tensor

from ..errors import BadInput
from .camera import Cameras

MARGIN = 1.08  # room around the bounding sphere


def turntable_cameras(
    frames: int,
    *,
    elevation: float = 15.0,
    start: float = 0.0,
    fov: float = 30.0,
    size: int = 512,
    center: Tensor | None = None,  # [3] world, default the origin
    radius: float = 1.0,
) -> Cameras:
    """`frames` cameras at even azimuths from `start`, degrees, so far off that a sphere of `radius` fills the image."""
    if frames < 1:
        raise BadInput(f"A turntable of {frames} frames shows nothing; ask for at least one.")
    if not radius > 0:
        raise BadInput("The object has no extent to put a camera around; check that it is not empty.")
    azimuth = [start + 360.0 * i / frames for i in range(frames)]
    distance = MARGIN * radius / math.sin(math.radians(fov) / 2)
    cameras = Cameras.orbit(azimuth, elevation, distance, fov, size, size)
    if center is None:
        return cameras
    pose = cameras.camera_to_world.clone()
    pose[:, :3, 3] += center.to(pose)
    return replace(cameras, camera_to_world=pose)


def inscribed_sphere(bounds: Tensor) -> tuple[Tensor, float]:
    """Centre and radius to frame a field by: the box's longest side counts, its mostly empty corners do not.

    bounds [2,3] -> [3], world units.
    """
    low, high = bounds.float().cpu()
    return (low + high) / 2, float((high - low).max()) / 2
