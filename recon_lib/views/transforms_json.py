"""Reading and writing of nerfstudio's transforms.json, and of instant-ngp's and Blender's dialects.

Facts of the format (docs.nerf.studio, "Data conventions"): `frames[].transform_matrix` is camera-to-world with
OpenGL camera axes; lens keys fl_x, fl_y, cx, cy, w, h stand at the top or in a frame, which wins; older files have
camera_angle_x (horizontal, radians) instead (`cameras/lens_json.py` knows more spellings); `mask_path` is white where
pixels count; `depth_file_path` is z-depth in 16-bit PNG or npy, both times `depth_unit_scale_factor` (0.001 unless the
file says otherwise). Own additions, ignored by others: `normal_file_path` and `provenance_file_path`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ..cameras.camera import Cameras
from ..cameras.camera_json import opengl_to_opencv, rigid_pose
from ..cameras.lens_json import lens_from_json, level_of, size_from_json
from ..errors import BadInput
from ..parsing import number, read_json
from ..progress import unchecked
from .frame import DEPTH_UNIT, FARTHEST, Frame, checked_pose, is_upright
from .frame_files import ARRAY_ENDINGS, FILE_NAME, ViewFolder, find_list
from .image_files import ENDINGS, read_size

LAYERS = {
    "image": "file_path",
    "mask": "mask_path",
    "depth": "depth_file_path",
    "normals": "normal_file_path",
    "provenance": "provenance_file_path",
}


def read_transforms(source: Path, check: Callable[[], None] = unchecked) -> list[Frame]:
    """Frames of a folder's transforms.json, or of the file that is named, in its order; `check` runs before each.

    Raises `BadInput` for files that are missing or outside the folder, and for poses and lenses that are malformed.
    """
    path = find_list(source)
    value = read_json(path, str(path))
    value = value if isinstance(value, dict) else {}
    entries = value.get("frames")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise BadInput(f"{path} has no list of frames; it needs one entry per image.")
    shared = {key: part for key, part in value.items() if key != "frames"}
    folder = ViewFolder(path.parent, path.name)
    frames = []
    for entry in entries:
        check()
        frames.append(_frame(folder, entry, shared))
    return frames


def _frame(folder: ViewFolder, entry: Mapping, shared: Mapping) -> Frame:
    values = {**shared, **entry}
    unit = values.get("depth_unit_scale_factor")
    unit = number(
        DEPTH_UNIT if unit is None else unit, f"depth_unit_scale_factor of {folder.list_name}", 1e-12, FARTHEST
    )
    if not isinstance(values.get("file_path"), str) or not values["file_path"].strip():
        raise BadInput(f"A frame of {folder.list_name} has no file_path; name its image.")
    paths = {
        layer: folder.find(values[key], ARRAY_ENDINGS if layer not in ("image", "provenance") else ENDINGS)
        for layer, key in LAYERS.items()
        if values.get(key)
    }
    name = paths["image"].name
    levels = [level_of(entry), level_of(shared)]
    stored = read_size(paths["image"])
    upright = is_upright(stored, size_from_json(levels, name), name)
    width, height = stored.upright() if upright else (stored.width, stored.height)
    lens = lens_from_json(levels, width, height, name)
    if lens is None:
        raise BadInput(f"{folder.list_name} has neither fl_x nor camera_angle_x (radians) for {name}; add one of them.")
    pose = opengl_to_opencv(rigid_pose(values.get("transform_matrix"), f"transform_matrix of {name}"))
    pose = checked_pose(pose, name, folder.list_name)
    return Frame(paths, pose, lens, width, height, upright, unit)


def write_frames(
    folder: Path,
    cameras: Cameras,
    names: list[dict[str, str]],
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Write transforms.json for V cameras; `names` has each frame's relative paths by the keys of `LAYERS`.

    origin: what the cameras' world counts from, world units; it is added in float64.
    """
    poses = opengl_to_opencv(cameras.camera_to_world.cpu().double())
    poses[:, :3, 3] += poses.new_tensor(origin)
    frames = []
    for pose, matrix, files in zip(poses, cameras.intrinsics.cpu().tolist(), names, strict=True):
        lens = {"fl_x": matrix[0][0], "fl_y": matrix[1][1], "cx": matrix[0][2], "cy": matrix[1][2]}
        frames.append(
            {LAYERS[layer]: name for layer, name in files.items()} | lens | {"transform_matrix": pose.tolist()}
        )
    size = {"w": cameras.width, "h": cameras.height}
    value = {"camera_model": "OPENCV", **size, "depth_unit_scale_factor": DEPTH_UNIT, "frames": frames}
    (folder / FILE_NAME).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
