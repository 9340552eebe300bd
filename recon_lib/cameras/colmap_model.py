"""A COLMAP model: cameras, and images with their poses, of text or binary files.

Facts (colmap.github.io, "Output Format"): `cameras` and `images`, as .txt or .bin, hold what is needed here; rotations
are quaternions w, x, y, z; poses map the world to the camera, whose axes are OpenCV's. COLMAP's world is that of its
first pair of images, so +y is more or less down and no axis can be relied on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput
from ..parsing import is_file
from ..progress import unchecked
from .lens_json import Lens

FILES = ("cameras", "images")
SMALLEST_NORM = 1e-6  # of a quaternion


@dataclass(frozen=True)
class ColmapCamera:
    """A lens that images share."""

    lens: Lens
    width: int  # pixels
    height: int


@dataclass(frozen=True)
class ColmapImage:
    """A registered picture."""

    name: str  # path below the folder of images
    pose: Tensor  # [4,4] float64 camera-to-world, OpenCV axes
    camera: ColmapCamera


def is_model(folder: Path) -> bool:
    """Whether a folder holds a model's files, text or binary."""
    return any(all(is_file(folder / f"{name}{ending}") for name in FILES) for ending in (".bin", ".txt"))


def read_model(folder: Path, check: Callable[[], None] = unchecked) -> list[ColmapImage]:
    """The images of a model's folder by their names; binary files win over text, as in COLMAP.

    Raises `BadInput` for damaged files, lenses that are no pinhole's (`colmap_lenses.py`) and models without an image.
    """
    from .colmap_binary import read_binary
    from .colmap_text import read_text

    binary = all(is_file(folder / f"{name}.bin") for name in FILES)
    images = (read_binary if binary else read_text)(folder, check)
    if not images:
        raise BadInput(f"The COLMAP model in {folder} has no image; none was registered.")
    repeated = len(images) - len({image.name for image in images})
    if repeated:
        raise BadInput(f"The COLMAP model in {folder} names {repeated} of its images twice; export it again.")
    return sorted(images, key=lambda image: image.name)


def pose_from_colmap(quaternion: list[float], translation: list[float], where: str) -> Tensor:
    """Camera-to-world [4,4] float64 of world-to-camera q = w, x, y, z and t. Raises `BadInput` for no rotation."""
    q = torch.tensor(quaternion, dtype=torch.float64)
    t = torch.tensor(translation, dtype=torch.float64)
    length = float(q.norm())
    if not (bool(torch.isfinite(torch.cat([q, t])).all()) and length > SMALLEST_NORM):
        raise BadInput(f"{where} has the pose {[*quaternion, *translation]}, which is none; take the image out.")
    w, x, y, z = (q / length).tolist()
    rotation = torch.tensor([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ], dtype=torch.float64)  # fmt: skip
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3], pose[:3, 3] = rotation.T, -rotation.T @ t
    return pose


def add_camera(cameras: dict[int, ColmapCamera], number: int, camera: ColmapCamera, where: str) -> None:
    """Note a camera by its number. Raises `BadInput` if there is one already: nobody knows which is meant."""
    if number in cameras:
        raise BadInput(f"{where} has the camera {number} twice; export the model again.")
    cameras[number] = camera


def camera_of(cameras: dict[int, ColmapCamera], number: int, where: str) -> ColmapCamera:
    """The camera of that number. Raises `BadInput` if there is none."""
    if number not in cameras:
        raise BadInput(f"{where} refers to camera {number}, which the model does not have; export it again.")
    return cameras[number]
