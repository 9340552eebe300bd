"""Paths of cameras around the object."""

from ..errors import BadInput
from .camera import Cameras


def arc(
    count: int,
    start: float = 0.0,
    sweep: float = 360.0,
    elevation: float = 15.0,
    distance: float = 3.5,
    fov: float = 40.0,
    height: int = 512,
    width: int = 512,
) -> Cameras:
    """`count` cameras at even azimuths from `start` over `sweep` degrees, looking at the origin.

    A full circle (+-360) does not repeat its first camera; a shorter arc has a camera at both ends.
    """
    if count < 1:
        raise BadInput(f"An orbit of {count} cameras shows nothing; ask for at least one.")
    closed = abs(abs(sweep) - 360.0) < 1e-6
    step = sweep / max(count if closed else count - 1, 1)
    return Cameras.orbit([start + step * i for i in range(count)], elevation, distance, fov, height, width)
