"""Cameras from the LOAD3D_CAMERA value of ComfyUI's 3D viewer (Load 3D, Preview 3D), and back.

The value is a dict: position {x,y,z}, target {x,y,z}, zoom, cameraType; newer versions add quaternion {x,y,z,w},
fov (vertical, degrees), aspect, near, far. Its frame is three.js' (right-handed, y up, cameras look along -z)
in the viewer's own space: the model scaled so that its longest side is 5, centred over the origin and put on the
floor y = 0. Which world that is depends on the model shown, hence `bounds`. Nodes that make such values from numbers,
such as Create Camera Info, and those that render by them count in the model's own world.
"""

import logging
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ..check import check_shape
from ..errors import BadInput
from .camera import FLIP_YZ, Cameras, intrinsics_from_fov

log = logging.getLogger("recon3d")
VIEWER_SIZE = 5.0  # longest side of a model in the viewer
VIEWER_FOV = 35.0  # degrees, vertical, where the value has none (frontend 1.27)
SMALLEST_QUATERNION = 1e-6
OFF_MIDDLE = 0.005  # of the picture's height, and of the pixels' height
NEAREST_TARGET = 1e-3  # viewer units before the camera
UNIT_BOUNDS = torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])


def from_load3d(
    info: Mapping, height: int, width: int, *, fov: float = VIEWER_FOV, bounds: Tensor | None = UNIT_BOUNDS
) -> Cameras:
    """One camera of height x width pixels from the viewer's.

    fov     vertical, degrees, for values that have none
    bounds  [2,3] lower and upper corner of the shown model in the world; default: the unit sphere's box; None: the
            value counts in the world itself
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


def to_load3d(camera: Cameras, bounds: Tensor | None = UNIT_BOUNDS) -> dict:
    """The viewer's camera of one camera: what `from_load3d` with the same `bounds` takes back.

    The viewer knows no principal point off the middle and no pixels that are not square: both are left out with a line
    in the log. The target lies on the optical axis, nearest to the model's middle. Raises `BadInput` for several
    cameras.
    """
    from scipy.spatial.transform import Rotation

    if len(camera) != 1:
        raise BadInput(f"There are {len(camera)} cameras; the viewer has one: choose it with Pick Camera.")
    fx, fy, cx, cy = (float(camera.intrinsics[0][at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    off = max(abs(cx - camera.width / 2), abs(cy - camera.height / 2)) / camera.height
    if off > OFF_MIDDLE or abs(fx / fy - 1) > OFF_MIDDLE:
        log.warning("The viewer's camera cannot look past its middle or have oblong pixels: it shows a little else.")
    scale, offset = _world_to_viewer(bounds)
    pose = camera.camera_to_world[0].double().cpu()
    position, forward = pose[:3, 3] * scale + offset, pose[:3, 2]
    middle = torch.zeros(3, dtype=torch.float64) if bounds is None else bounds.cpu().double().mean(0) * scale + offset
    ahead = max(float((middle - position) @ forward), NEAREST_TARGET)
    quaternion = Rotation.from_matrix((pose[:3, :3] @ FLIP_YZ.double()).numpy()).as_quat()
    return {
        "position": _named(position.tolist(), "xyz"),
        "target": _named((position + ahead * forward).tolist(), "xyz"),
        "quaternion": _named(quaternion.tolist(), "xyzw"),
        "fov": float(camera.vertical_fov[0]),
        "aspect": camera.width / camera.height,
        "zoom": 1.0,
        "cameraType": "perspective",
    }


def _named(values: list[float], axes: str) -> dict[str, float]:
    return dict(zip(axes, values, strict=True))


def _zoomed_fov(info: Mapping, fallback: float) -> float:
    """Vertical degrees after zoom; three.js zooms by cropping the image."""
    fov = _number(fallback if info.get("fov") is None else info["fov"], "fov")
    zoom = _number(1.0 if info.get("zoom") is None else info["zoom"], "zoom")
    if not (0 < fov < 180 and zoom > 0):
        raise BadInput(f"camera_info has fov {fov} and zoom {zoom}; a fov in 0-180 and a zoom above 0 are needed.")
    return math.degrees(2 * math.atan(math.tan(math.radians(fov) / 2) / zoom))


def _world_to_viewer(bounds: Tensor | None) -> tuple[float, Tensor]:
    """viewer = world * scale + offset [3]."""
    if bounds is None:
        return 1.0, torch.zeros(3, dtype=torch.float64)
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
