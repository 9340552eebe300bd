"""Cameras to be rendered, as a transforms.json whose frames need no pictures (`views/transforms_json.py`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput
from ..parsing import read_json
from .camera import Cameras
from .camera_json import opengl_to_opencv, rigid_pose
from .lens_json import lens_from_json, level_of, size_from_json


def read_cameras(path: Path | str, origin: Sequence[float] = (0.0, 0.0, 0.0)) -> Cameras:
    """The cameras of the frames of a transforms.json, in their order, counted from `origin` (subtracted in float64).

    Each needs a transform_matrix (OpenGL axes), a focal length and w and h, at the top or in the frame.
    Raises `BadInput` for what is missing or malformed, for distorted lenses, and for frames of several sizes.
    """
    path = Path(path)
    value = read_json(path, str(path))
    entries = value.get("frames") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(entries, list) or not entries:
        raise BadInput(f"{path} has no list of frames; it needs one entry per camera.")
    shared = {key: part for key, part in value.items() if key != "frames"}
    found = [_camera(entry, shared, f"frame {i} of {path.name}") for i, entry in enumerate(entries)]
    sizes = {size for _, _, size in found}
    if len(sizes) > 1:
        raise BadInput(f"The frames of {path.name} have {len(sizes)} sizes; give all the same w and h.")
    poses = torch.stack([pose for pose, _, _ in found])
    poses[:, :3, 3] -= torch.tensor(list(origin), dtype=torch.float64)
    width, height = sizes.pop()
    x, y, z = origin
    return Cameras(poses.float(), torch.stack([lens for _, lens, _ in found]).float(), height, width, (x, y, z))


def _camera(entry: object, shared: Mapping, where: str) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """Pose [4,4] and intrinsics [3,3], float64, and (width, height)."""
    if not isinstance(entry, Mapping):
        raise BadInput(f"The {where} is no object; it needs a transform_matrix.")
    levels = [level_of(entry), level_of(shared)]
    size = size_from_json(levels, where)
    if size is None:
        raise BadInput(f"The {where} has no w and h; add the size of the picture to render.")
    lens = lens_from_json(levels, *size, where)
    if lens is None:
        raise BadInput(f"The {where} has neither fl_x nor camera_angle_x (radians); add one of them.")
    if lens.distortion is not None:
        raise BadInput(f"The lens of {where} is distorted; frames are rendered without distortion, take it out.")
    pose = rigid_pose({**shared, **entry}.get("transform_matrix"), f"transform_matrix of {where}")
    return opengl_to_opencv(pose), lens.intrinsics, size
