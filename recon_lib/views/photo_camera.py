"""The camera of a single photo: from what its file says, from a field of view, from a JSON file.

Only the lens is known; the pose is the identity and means nothing.
"""

import logging
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera import Cameras, intrinsics_from_fov
from ..cameras.camera_json import camera_from_json
from ..cameras.lens_json import Lens
from ..errors import BadInput
from ..parsing import read_json
from .frame import checked_lens
from .image_files import DAMAGE, TRANSPOSED, opened, read_size

log = logging.getLogger("recon3d")

POSES, SIZES = {"camera_to_world", "transform_matrix", "azimuth"}, {"height", "h", "width", "w"}
EXIF_BLOCK = 0x8769
FOCAL_LENGTH, FOCAL_LENGTH_35MM = 0x920A, 0xA405  # mm
PLANE_RESOLUTION, PLANE_UNIT = 0xA20E, 0xA210  # pixels a unit across the sensor
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003  # of the picture that the camera wrote
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
DIAGONAL_35MM = 43.267  # mm, of 36 x 24: equivalent focal lengths are by the diagonal (CIPA DCG-001)
CAMERA_ASPECTS = 4 / 3, 3 / 2, 16 / 9  # of uncropped pictures
ASPECT_TOLERANCE = 0.02
NARROWEST, WIDEST = 1e-3, 179.0  # degrees
FOV_LIMITS = 3.0, 150.0  # degrees over the diagonal; beyond them the tags are wrong


def camera_from_fov(degrees: float, height: int, width: int) -> Cameras:
    """Camera of vertical field of view, the principal point in the middle. Raises `BadInput` for none of a lens."""
    if not NARROWEST <= degrees <= WIDEST:
        raise BadInput(f"Field of view {degrees} is outside {NARROWEST:g}-{WIDEST:g} degrees; 40 is a usual value.")
    return Cameras(torch.eye(4)[None], intrinsics_from_fov(degrees, height, width, 1), height, width)


def exif_camera(path: Path | str, height: int, width: int) -> Cameras | None:
    """Camera by the focal length in the file's EXIF, for the upright photo at height x width.

    None where there is none, or where the photo was cropped since: then its sides differ from those that the camera
    noted, or are no camera's. Reduced copies are fine.
    """
    path = Path(path)
    size = read_size(path)
    with opened(path) as picture:
        try:
            exif = {tag: _real(value) for tag, value in picture.getexif().get_ifd(EXIF_BLOCK).items()}
        except DAMAGE:
            return None
    noted = exif.get(PIXEL_WIDTH), exif.get(PIXEL_HEIGHT)
    if not _uncropped((size.width, size.height), noted):
        return None
    focal = _focal_diagonals(exif, size.width, size.height)
    if focal is None or not FOV_LIMITS[0] < math.degrees(2 * math.atan(0.5 / focal)) < FOV_LIMITS[1]:
        return None
    turned = size.orientation in TRANSPOSED
    if _differs(width / height, size.height / size.width if turned else size.width / size.height):
        return None
    vertical = math.degrees(2 * math.atan(height / (2 * focal * math.hypot(height, width))))
    camera = camera_from_fov(vertical, height, width)
    log.info("%s: its EXIF tells a vertical field of view of %.0f degrees", path.name, float(camera.vertical_fov[0]))
    return camera


def read_photo_camera(path: Path | str, height: int, width: int) -> Cameras:
    """Camera of the photo at height x width in a JSON file, as `camera_json` reads or the "camera" of a report.

    A pose and a size may be missing, and intrinsics may be for a picture of side 1, as MoGe gives them. Raises
    `BadInput`.
    """
    name = Path(path).name
    value = read_json(Path(path), f"The camera file {name}")
    value = value.get("camera", value) if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping):
        raise BadInput(f"{name} holds no camera; write an object with intrinsics, fl_x or fov.")
    lens = {**value} if POSES & set(value) else {"azimuth": 0.0, **value}
    relative = _relative_intrinsics(value.get("intrinsics"))
    if relative is not None:
        scale = torch.tensor([[width], [height], [1.0]], dtype=torch.float64)
        lens = {"azimuth": 0.0, "intrinsics": (relative * scale).tolist(), "height": height, "width": width}
    sizes = {"height": height, "width": width} if not SIZES & set(lens) else {}
    camera = camera_from_json(lens | sizes)
    checked_lens(Lens(camera.intrinsics[0].double(), None), (camera.width, camera.height), f"the camera in {name}")
    return camera


def _relative_intrinsics(value: object) -> Tensor | None:
    """Intrinsics [3,3] float64 for pictures of width and height 1: their principal point lies between 0 and 1."""
    try:
        matrix = torch.tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    relative = matrix.shape == (3, 3) and bool(((matrix[:2, 2] > 0) & (matrix[:2, 2] < 1)).all())
    return matrix if relative else None


def _real(value: object) -> float | None:
    try:
        real = float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return real if math.isfinite(real) and real > 0 else None


def _uncropped(stored: tuple[int, int], noted: tuple[float | None, float | None]) -> bool:
    """Whether a picture of stored (width, height) shows all that the camera saw when it noted that size."""
    aspect = max(stored) / min(stored)
    if noted[0] is not None and noted[1] is not None and _differs(max(noted) / min(noted), aspect):
        return False
    return any(not _differs(aspect, usual) for usual in CAMERA_ASPECTS)


def _differs(aspect: float, other: float) -> bool:
    return abs(aspect / other - 1) > ASPECT_TOLERANCE


def _focal_diagonals(exif: Mapping[int, float | None], width: int, height: int) -> float | None:
    """The focal length in diagonals of the picture."""
    equivalent, focal = exif.get(FOCAL_LENGTH_35MM), exif.get(FOCAL_LENGTH)
    if equivalent is not None:
        return equivalent / DIAGONAL_35MM
    resolution, unit = exif.get(PLANE_RESOLUTION), UNIT_MM.get(int(exif.get(PLANE_UNIT) or 2))
    if focal is None or resolution is None or unit is None:
        return None
    pixels = exif.get(PIXEL_WIDTH) or width  # the sensor's resolution counts pixels of the picture as it was taken
    return focal / unit * resolution / math.hypot(pixels, pixels * height / width)
