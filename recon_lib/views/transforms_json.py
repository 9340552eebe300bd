"""Reading and writing of nerfstudio's transforms.json, and of instant-ngp's and Blender's dialects.

Facts of the format (docs.nerf.studio, "Data conventions"): `frames[].transform_matrix` is camera-to-world with
OpenGL camera axes; lens keys fl_x, fl_y, cx, cy, w, h stand at the top or in a frame, which wins; older files have
camera_angle_x (horizontal, radians) instead; `mask_path` is white where pixels count; `depth_file_path` is z-depth
in 16-bit PNG or npy, both times `depth_unit_scale_factor` (0.001 unless the file says otherwise).
Own additions, ignored by others: `normal_file_path` and `provenance_file_path`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..cameras.camera_json import lens_from_json, opengl_to_opencv, rigid_pose
from ..errors import BadInput

FILE_NAME = "transforms.json"
DEPTH_UNIT = 0.001  # world units per stored unit
LENSES = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE")
DISTORTION = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
LAYERS = {
    "image": "file_path",
    "mask": "mask_path",
    "depth": "depth_file_path",
    "normals": "normal_file_path",
    "provenance": "provenance_file_path",
}


@dataclass(frozen=True)
class Frame:
    """One entry of `frames`, with the file's defaults filled in."""

    paths: dict[str, Path]  # keys of `LAYERS`; only those that the frame names
    values: Mapping
    depth_unit: float

    def camera(self, height: int, width: int) -> Cameras:
        """The frame's camera for its image of height x width pixels, which may be a reduced copy."""
        name = self.paths["image"].name
        pose = opengl_to_opencv(rigid_pose(self.values.get("transform_matrix"), f"transform_matrix of {name}"))
        full = [self.values.get(key, size) for key, size in (("h", height), ("w", width))]
        if not all(isinstance(size, int | float) and size >= 1 for size in full):
            raise BadInput(f"w and h of {name} are {full[1]!r} and {full[0]!r}; give the image size in pixels.")
        full_height, full_width = (int(size) for size in full)
        camera = Cameras(pose[None], self._intrinsics(name, full_height, full_width)[None], full_height, full_width)
        return camera.resized(height, width)

    def _intrinsics(self, name: str, height: int, width: int) -> Tensor:
        lens = lens_from_json(self.values, height, width)
        if lens is not None:
            return lens
        across, upward = (self.values.get(f"camera_angle_{axis}") for axis in "xy")
        if not isinstance(across, int | float) or not 0 < across < math.pi:
            raise BadInput(f"{FILE_NAME} has neither fl_x nor camera_angle_x (radians) for {name}; add one of them.")
        focal = 0.5 * width / math.tan(0.5 * across)
        focal_y = 0.5 * height / math.tan(0.5 * upward) if isinstance(upward, int | float) and upward > 0 else focal
        return torch.tensor([[focal, 0, width / 2], [0, focal_y, height / 2], [0, 0, 1]], dtype=torch.float32)


def read_frames(folder: Path) -> list[Frame]:
    """Frames of `folder`/transforms.json in the file's order. Paths outside the folder are refused."""
    path = folder / FILE_NAME
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} could not be read ({error.strerror}); name the folder that holds it.") from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON ({error}); write it again.") from error
    entries = value.get("frames") if isinstance(value, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise BadInput(f"{path} has no list of frames; it needs one entry per image.")
    shared = {key: part for key, part in value.items() if key != "frames"}
    return [_frame(folder, {**shared, **entry}) for entry in entries]


def _frame(folder: Path, values: Mapping) -> Frame:
    lens = values.get("camera_model", "OPENCV")
    if lens not in LENSES:
        raise BadInput(f"{FILE_NAME} has camera_model {lens!r}; only perspective images are read, convert them first.")
    if any(values.get(key) for key in DISTORTION):
        raise BadInput(f"The images of {FILE_NAME} are distorted (k1, k2, p1, p2 ...); undistort them first.")
    unit = values.get("depth_unit_scale_factor", DEPTH_UNIT)
    if isinstance(unit, bool) or not isinstance(unit, int | float) or not 0 < unit < math.inf:
        raise BadInput(f"depth_unit_scale_factor of {FILE_NAME} is {unit!r}; a number above 0 is needed.")
    if not isinstance(values.get("file_path"), str):
        raise BadInput(f"A frame of {FILE_NAME} has no file_path; name its image.")
    named = {layer: values[key] for layer, key in LAYERS.items() if values.get(key)}
    return Frame({layer: _inside(folder, entry) for layer, entry in named.items()}, values, float(unit))


def _inside(folder: Path, name: object) -> Path:
    """Path of the file `name` in the folder; without a suffix it is a .png (Blender's dialect)."""
    if not isinstance(name, str):
        raise BadInput(f"{FILE_NAME} names a file by {name!r}; write a relative path.")
    path = folder / name.replace("\\", "/")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{FILE_NAME} points to {name}, outside its folder; copy the file into the folder.")
    return path if path.suffix else path.with_name(path.name + ".png")


def write_frames(folder: Path, cameras: Cameras, names: list[dict[str, str]]) -> None:
    """Write transforms.json for V cameras; `names` has each frame's relative paths by the keys of `LAYERS`."""
    poses = opengl_to_opencv(cameras.camera_to_world.cpu().double())
    frames = []
    for pose, matrix, files in zip(poses, cameras.intrinsics.cpu().tolist(), names, strict=True):
        lens = {"fl_x": matrix[0][0], "fl_y": matrix[1][1], "cx": matrix[0][2], "cy": matrix[1][2]}
        frames.append(
            {LAYERS[layer]: name for layer, name in files.items()} | lens | {"transform_matrix": pose.tolist()}
        )
    size = {"w": cameras.width, "h": cameras.height}
    value = {"camera_model": "OPENCV", **size, "depth_unit_scale_factor": DEPTH_UNIT, "frames": frames}
    (folder / FILE_NAME).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
