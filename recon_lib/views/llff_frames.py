"""Frames of LLFF's poses_bounds.npy and its pictures (Mildenhall et al. 2019, "Local Light Field Fusion").

Facts (the README of github.com/Fyusion/LLFF, "Using your own poses without running COLMAP"): the array is V x 17 of
float64; the first 15 numbers of a row are a 3x5 matrix, row by row: a camera-to-world rotation whose columns are the
camera's down, right and backwards, its position, and the picture's height, width and focal length in pixels; the last
two are the nearest and farthest depth. Rows follow the sorted names in `images`; `images_4` and the like hold reduced
copies. The world is COLMAP's, with its axes renamed.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera_json import rigid_pose
from ..cameras.lens_json import LARGEST_SIDE, Lens
from ..errors import BadInput
from ..parsing import is_file, number, whole_number
from ..progress import unchecked
from .array_files import read_array
from .frame import Frame, frame_of
from .image_files import ENDINGS

LIST_NAME = "poses_bounds.npy"
PICTURES = ("images", "images_2", "images_4", "images_8", ".")
WIDTH = 17


def find_llff(source: Path) -> Path | None:
    """The list at `source`, a folder or the list itself; None if there is none."""
    path = source if source.name == LIST_NAME else source / LIST_NAME
    return path if is_file(path) else None


def read_llff(source: Path, check: Callable[[], None] = unchecked) -> list[Frame]:
    """Frames of the list at `source`, in the order of their pictures' names; `check` runs before each.

    Raises `BadInput` for an array of another shape, another number of pictures, and rows that are no pose.
    """
    path = find_llff(source)
    if path is None:
        raise BadInput(f"{source} holds no {LIST_NAME}; name the folder that has it.")
    rows = read_array(path)
    if rows.ndim != 2 or rows.shape[1] != WIDTH:
        raise BadInput(f"{LIST_NAME} holds {rows.shape}; LLFF writes one row of {WIDTH} numbers per picture.")
    pictures = _find_pictures(path.parent, len(rows))
    frames = []
    for picture, row in zip(pictures, torch.from_numpy(rows.astype("float64")), strict=True):
        check()
        frames.append(_frame(picture, row[:15].view(3, 5)))
    return frames


def _frame(picture: Path, matrix: Tensor) -> Frame:
    down, right, back = matrix[:, :3].unbind(1)
    where = f"{LIST_NAME} for {picture.name}"
    columns = torch.stack([right, down, -back, matrix[:, 3]], dim=1)
    pose = rigid_pose(columns.tolist(), f"The pose in {where}")
    height, width = (whole_number(side, f"The size in {where}", 1, LARGEST_SIDE) for side in matrix[:2, 4].tolist())
    focal = number(float(matrix[2, 4]), f"The focal length in {where}", 1e-3, 1e9)
    intrinsics = torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], dtype=torch.float64)
    return frame_of(picture, pose, Lens(intrinsics, None), (width, height), LIST_NAME)


def _find_pictures(folder: Path, count: int) -> list[Path]:
    """The `count` pictures of the list, sorted."""
    found = {name: pictures_in(folder / name) for name in PICTURES}
    for pictures in found.values():
        if len(pictures) == count:
            return pictures
    told = ", ".join(f"{len(pictures)} in {name}" for name, pictures in found.items() if pictures) or "none at all"
    raise BadInput(f"{LIST_NAME} has {count} poses, and there are other numbers of pictures: {told}; complete them.")


def pictures_in(folder: Path) -> list[Path]:
    """The picture files in a folder, by name; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and is_file(path))
