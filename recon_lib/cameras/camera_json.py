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

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput
from ..parsing import number, read_json, whole_number
from .camera import FLIP_YZ, Cameras
from .lens_json import LARGEST_SIDE, lens_from_json, level_of

FARTHEST = 1e12  # world units
FAR = 1000.0  # world units from zero, beyond which a camera's position is counted from an origin near it


def camera_from_json(value: Mapping) -> Cameras:
    """The one camera that `value` describes; far from zero see `Cameras.origin`.

    Raises `BadInput` for what is missing or malformed.
    """
    if not isinstance(value, Mapping):
        raise BadInput(
            f"The camera is a JSON {type(value).__name__}; an object with a pose, a lens and a size is needed."
        )
    height, width = (_size(value, *names) for names in (("height", "h"), ("width", "w")))
    pose, intrinsics = _pose(value).double(), _intrinsics(value, height, width)
    x, y, z = pose[:3, 3].round().tolist() if float(pose[:3, 3].abs().max()) > FAR else (0.0, 0.0, 0.0)
    pose[:3, 3] -= pose.new_tensor([x, y, z])
    return Cameras(pose[None].float(), intrinsics[None], height, width, (x, y, z))


def read_camera(path: Path | str) -> Cameras:
    """The camera in a JSON file: the object itself, or the "camera" of a report of `reconstruct`."""
    value = read_json(Path(path), f"The camera file {Path(path).name}")
    return camera_from_json(value.get("camera", value) if isinstance(value, dict) else value)


def rigid_pose(value: object, name: str) -> Tensor:
    """A 4x4 or 3x4 list, nested or flat, as a pose [4,4] float64, its rotation checked and made exactly orthonormal.

    Uniformly scaled rotations (some writers leave the scene's scale in them) lose the scale.
    """
    flat = isinstance(value, list) and all(isinstance(each, int | float) for each in value)
    if isinstance(value, list) and flat and len(value) in (12, 16):
        value = [value[start : start + 4] for start in range(0, len(value), 4)]
    if isinstance(value, list) and len(value) == 3:
        value = [*value, [0.0, 0.0, 0.0, 1.0]]
    matrix = number_matrix(value, name, 4, 4)
    block = matrix[:3, :3]
    scale = torch.linalg.det(block).abs() ** (1 / 3)
    right = block / scale.clamp_min(1e-12)
    if not torch.allclose(right @ right.mT, torch.eye(3, dtype=right.dtype), atol=1e-3) or torch.linalg.det(right) < 0:
        raise BadInput(f"{name} does not hold a rotation; write camera-to-world, row by row.")
    if float(matrix[:3, 3].abs().max()) > FARTHEST:
        raise BadInput(f"{name} lies beyond {FARTHEST:g} units; write it in other units.")
    u, _, vt = torch.linalg.svd(right)
    pose = torch.eye(4, dtype=matrix.dtype)
    pose[:3, :3], pose[:3, 3] = u @ vt, matrix[:3, 3]
    return pose


def number_matrix(value: object, name: str, rows: int, columns: int) -> Tensor:
    """A nested list of finite numbers as [rows,columns] float64."""
    try:
        matrix = torch.tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        matrix = torch.zeros(0)
    if matrix.shape != (rows, columns) or not torch.isfinite(matrix).all():
        raise BadInput(f"{name} is not a {rows}x{columns} list of numbers; write it row by row.")
    return matrix


def opengl_to_opencv(pose: Tensor) -> Tensor:
    """Camera-to-world [...,4,4] with OpenGL camera axes -> OpenCV, and back: its own inverse."""
    flip = torch.eye(4, dtype=pose.dtype)
    flip[:3, :3] = FLIP_YZ.to(pose.dtype)
    return pose @ flip


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
    orbit = {name: number(value.get(name, default), f"The camera's {name}") for name, default in defaults.items()}
    if orbit["distance"] <= 0:
        raise BadInput(f"The camera's distance is {orbit['distance']:g}; it must be above 0.")
    return Cameras.orbit(**orbit).camera_to_world[0]


def _intrinsics(value: Mapping, height: int, width: int) -> Tensor:
    """[3,3] float32, pixels."""
    lens = lens_from_json([level_of(value)], width, height, "the camera")
    if lens is None:
        raise BadInput("The camera has no lens; give intrinsics, fl_x or fov.")
    if lens.distortion is not None:
        raise BadInput("The camera's lens is distorted (k1, k2, p1, p2 ...); give the camera of an undistorted image.")
    return lens.intrinsics.float()


def _size(value: Mapping, name: str, short: str) -> int:
    size = value.get(name, value.get(short))
    return whole_number(size, f"The camera's {name}", 1, LARGEST_SIDE)
