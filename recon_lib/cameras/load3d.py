"""Cameras from the LOAD3D_CAMERA value of ComfyUI's 3D viewer (Load 3D, Preview 3D).

The value is a dict: position {x,y,z}, target {x,y,z}, zoom, cameraType; newer versions add quaternion {x,y,z,w},
fov (vertical, degrees), aspect, near, far. Its frame is three.js' (right-handed, y up, cameras look along -z)
in the viewer's own space: the model scaled so that its longest side is 5, centred over the origin and put on the
floor y = 0. Which world that is depends on the model shown, hence `bounds`.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ..check import check_shape
from ..errors import BadInput
from .camera import FLIP_YZ, Cameras, intrinsics_from_fov

VIEWER_SIZE = 5.0  # longest side of a model in the viewer
VIEWER_FOV = 35.0  # degrees, vertical, where the value has none (frontend 1.27)
SMALLEST_QUATERNION = 1e-6
UNIT_BOUNDS = torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])


def from_load3d(
    info: Mapping, height: int, width: int, *, fov: float = VIEWER_FOV, bounds: Tensor = UNIT_BOUNDS
) -> Cameras:
    """One camera of height x width pixels from the viewer's.

    fov     vertical, degrees, for values that have none
    bounds  [2,3] lower and upper corner of the shown model in the world; default: the unit sphere's box
    Raises `BadInput` for values that are no LOAD3D_CAMERA and for the orthographic viewer camera.
    """
    from scipy.spatial.transform import Rotation

    scale, offset = _world_to_viewer(bounds)
    if not isinstance(info, Mapping):
        raise BadInput(f"camera_info is a {type(info).__name__}; connect the camera_info output of Load 3D.")
    if str(info.get("cameraType", "perspective")).lower() != "perspective":
        raise BadInput("The viewer's camera is orthographic; switch it to perspective.")
    position = ((_vector(info, "position", "xyz") - offset) / scale)[None].float()
    angle = _zoomed_fov(info, fov)
    if info.get("quaternion") is None:
        target = (_vector(info, "target", "xyz") - offset) / scale
        return Cameras.look_at(position, target.float(), angle, height, width)
    quaternion = _vector(info, "quaternion", "xyzw")
    if float(quaternion.norm()) < SMALLEST_QUATERNION:
        raise BadInput("camera_info's quaternion is zero; connect the camera_info output of Load 3D.")
    pose = torch.eye(4)[None]
    rotation = Rotation.from_quat(quaternion.numpy()).as_matrix()
    pose[0, :3, :3] = torch.from_numpy(rotation).float() @ FLIP_YZ
    pose[0, :3, 3] = position
    return Cameras(pose, intrinsics_from_fov(angle, height, width, 1), height, width)


def _zoomed_fov(info: Mapping, fallback: float) -> float:
    """Vertical degrees after zoom; three.js zooms by cropping the image."""
    fov = _number(fallback if info.get("fov") is None else info["fov"], "fov")
    zoom = _number(1.0 if info.get("zoom") is None else info["zoom"], "zoom")
    if not (0 < fov < 180 and zoom > 0):
        raise BadInput(f"camera_info has fov {fov} and zoom {zoom}; a fov in 0-180 and a zoom above 0 are needed.")
    return math.degrees(2 * math.atan(math.tan(math.radians(fov) / 2) / zoom))


def _world_to_viewer(bounds: Tensor) -> tuple[float, Tensor]:
    """viewer = world * scale + offset [3]."""
    check_shape("bounds", bounds, 2, 3)
    low, high = bounds.cpu().double()
    longest = float((high - low).max())
    if not longest > 0:
        raise BadInput("The model's bounds have no extent, so the viewer's scale is unknown; give the shown mesh.")
    scale = VIEWER_SIZE / longest
    middle = (low + high) / 2
    return scale, -scale * torch.stack([middle[0], low[1], middle[2]])


def _vector(info: Mapping, name: str, axes: str) -> Tensor:
    """Entry `name` of the dict, itself a dict of `axes`, as float64."""
    part = info.get(name)
    if not isinstance(part, Mapping) or any(axis not in part for axis in axes):
        raise BadInput(f"camera_info has no {name} with {', '.join(axes)}; connect the camera_info output of Load 3D.")
    return torch.tensor([_number(part[axis], name) for axis in axes], dtype=torch.float64)


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"camera_info's {name} holds {value!r}; a finite number is needed.")
    return float(value)
