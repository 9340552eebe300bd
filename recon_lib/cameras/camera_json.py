"""One camera as JSON: what `--camera view.json` reads and reports carry.

Pose, one of
    "camera_to_world"   4x4, OpenCV camera axes (x right, y down, z forward), world as in `camera.py`
    "transform_matrix"  4x4, OpenGL camera axes (x right, y up, z backward), as a frame of nerfstudio's transforms.json
    "azimuth", "elevation" (0), "distance" (3)   an orbit camera that looks at the origin; degrees
Lens, one of
    "intrinsics"        3x3, pixels
    "fl_x", "fl_y" (= fl_x), "cx", "cy" (image centre)   pixels
    "fov"               vertical, degrees
Size
    "height", "width" (or "h", "w"), pixels
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput
from .camera import FLIP_YZ, Cameras, intrinsics_from_fov


def camera_from_json(value: Mapping) -> Cameras:
    """The one camera that `value` describes. Raises `BadInput` for what is missing or malformed."""
    if not isinstance(value, Mapping):
        raise BadInput(
            f"The camera is a JSON {type(value).__name__}; an object with a pose, a lens and a size is needed."
        )
    height, width = (_size(value, *names) for names in (("height", "h"), ("width", "w")))
    pose, intrinsics = _pose(value), _intrinsics(value, height, width)
    return Cameras(pose[None], intrinsics[None], height, width)


def read_camera(path: Path | str) -> Cameras:
    """The camera in a JSON file: the object itself, or the "camera" of a report of `reconstruct`."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"The camera file {path} could not be read ({error.strerror}); check its name.") from error
    except ValueError as error:
        raise BadInput(
            f"The camera file {path} is not JSON ({error}); write one object with a pose and a lens."
        ) from error
    return camera_from_json(value.get("camera", value) if isinstance(value, dict) else value)


def rigid_pose(value: object, name: str) -> Tensor:
    """A 4x4 list as a pose [4,4] float32, its rotation checked and made exactly orthonormal.

    Uniformly scaled rotations (some writers leave the scene's scale in them) lose the scale.
    """
    matrix = number_matrix(value, name, 4, 4)
    block = matrix[:3, :3]
    scale = torch.linalg.det(block).abs() ** (1 / 3)
    right = block / scale.clamp_min(1e-12)
    if not torch.allclose(right @ right.mT, torch.eye(3, dtype=right.dtype), atol=1e-3) or torch.linalg.det(right) < 0:
        raise BadInput(f"{name} does not hold a rotation; write camera-to-world, row by row.")
    u, _, vt = torch.linalg.svd(right)
    pose = torch.eye(4, dtype=matrix.dtype)
    pose[:3, :3], pose[:3, 3] = u @ vt, matrix[:3, 3]
    return pose.float()


def number_matrix(value: object, name: str, rows: int, columns: int) -> Tensor:
    """A nested list of finite numbers as [rows,columns] float64."""
    try:
        matrix = torch.tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        matrix = torch.zeros(0)
    if matrix.shape != (rows, columns) or not torch.isfinite(matrix).all():
        raise BadInput(f"{name} is not a {rows}x{columns} list of numbers; write it row by row.")
    return matrix


def opengl_to_opencv(pose: Tensor) -> Tensor:
    """Camera-to-world [...,4,4] with OpenGL camera axes -> OpenCV, and back: its own inverse."""
    flip = torch.eye(4, dtype=pose.dtype)
    flip[:3, :3] = FLIP_YZ.to(pose.dtype)
    return pose @ flip


def lens_from_json(value: Mapping, height: int, width: int) -> Tensor | None:
    """Intrinsics [3,3] of the keys fl_x, fl_y, cx, cy (pixels), or None where there is no fl_x."""
    if "fl_x" not in value:
        return None
    matrix = torch.eye(3)
    matrix[0, 0] = _positive(value["fl_x"], "fl_x")
    matrix[1, 1] = _positive(value.get("fl_y", value["fl_x"]), "fl_y")
    matrix[0, 2], matrix[1, 2] = _real(value.get("cx", width / 2), "cx"), _real(value.get("cy", height / 2), "cy")
    return matrix


def _pose(value: Mapping) -> Tensor:
    if "camera_to_world" in value:
        return rigid_pose(value["camera_to_world"], "camera_to_world")
    if "transform_matrix" in value:
        return opengl_to_opencv(rigid_pose(value["transform_matrix"], "transform_matrix"))
    if "azimuth" not in value:
        raise BadInput(
            "The camera has no pose; give camera_to_world, transform_matrix or azimuth, elevation and distance."
        )
    defaults = {"azimuth": 0.0, "elevation": 0.0, "distance": 3.0}
    orbit = {name: _real(value.get(name, default), name) for name, default in defaults.items()}
    _positive(orbit["distance"], "distance")
    return Cameras.orbit(**orbit).camera_to_world[0]


def _intrinsics(value: Mapping, height: int, width: int) -> Tensor:
    if "intrinsics" in value:
        return number_matrix(value["intrinsics"], "intrinsics", 3, 3).float()
    lens = lens_from_json(value, height, width)
    if lens is not None:
        return lens
    if "fov" not in value:
        raise BadInput("The camera has no lens; give intrinsics, fl_x or fov.")
    return intrinsics_from_fov(_real(value["fov"], "fov"), height, width, 1)[0]


def _size(value: Mapping, name: str, short: str) -> int:
    size = value.get(name, value.get(short))
    if isinstance(size, bool) or not isinstance(size, int | float) or size != int(size) or size < 1:
        raise BadInput(f"The camera's {name} is {size!r}; give the image size in whole pixels.")
    return int(size)


def _positive(value: object, name: str) -> float:
    number = _real(value, name)
    if number <= 0:
        raise BadInput(f"The camera's {name} is {number}; it must be above 0.")
    return number


def _real(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        raise BadInput(f"The camera's {name} is {value!r}; a number is needed.")
    return float(value)
