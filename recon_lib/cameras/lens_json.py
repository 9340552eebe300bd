"""Focal length, centre and size from JSON: three questions, each with its own spellings and fallbacks.

A file answers at several levels, such as a frame and what all frames share; the first level that answers a question
counts, and its numbers are in pixels of the size that this level tells (else the next one, else the picture's).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import BadInput
from ..parsing import number, shown, whole_number
from .distortion import Distortion
from .lens_models import LISTS, distortion_from_json, plain_key

Level = Mapping[str, object]  # by `plain_key`
FOCAL = (("flx", "fx", "focalx", "focallengthx"), ("fly", "fy", "focaly", "focallengthy"))
FOCAL_BOTH = ("fl", "f", "focal", "focallength")
RADIANS = (("cameraanglex",), ("cameraangley",))
FOV = (("xfov", "hfov", "horizontalfov", "fovx"), ("yfov", "vfov", "verticalfov", "fov", "fovy"))  # degrees,
RADIANS_OR_DEGREES = ("fovx", "fovy")  # but here radians as well
CENTER = (("cx", "ppx", "principalx", "principalpointx", "centerx", "centrex"),
          ("cy", "ppy", "principaly", "principalpointy", "centery", "centrey"))  # fmt: skip
CENTER_BOTH = ("principalpoint", "principal", "pp", "opticalcenter", "imagecenter")
SIZE = (("w", "width", "imagewidth", "imgwidth", "imgw", "imagew"),
        ("h", "height", "imageheight", "imgheight", "imgh", "imageh"))  # fmt: skip
SIZE_BOTH, SHAPE_BOTH = ("resolution", "imagesize", "size", "wh"), ("imageshape", "shape", "hw")
MATRIX = (
    "k", "intrinsics", "intrinsic", "intrinsicmatrix", "intrinsicsmatrix", "cameramatrix", "cameraintrinsics",
    "cameraintrinsic", "camintrinsics", "kmatrix", "calibrationmatrix", "intrinsicparameters", "camk", "camerak",
)  # fmt: skip
NESTED = (*MATRIX, *LISTS, "camera", "lens", "cameraparams", "cameraparameters", "calibration")
LARGEST_SIDE = 1 << 20  # pixels
WIDEST = 0.1  # focal length over the longer side: less is no focal length in pixels
LARGEST_SKEW = 1e-3  # of the focal length
ROUNDED = 0.999  # pixels by which a reduced copy's side may be rounded


@dataclass(frozen=True)
class Lens:
    """A camera's lens for one picture."""

    intrinsics: Tensor  # [3,3] float64, pixels of the picture
    distortion: Distortion | None


def level_of(value: Mapping) -> dict[str, object]:
    """A JSON object's entries by `plain_key`, without nulls; those of objects inside that tell a lens as its own."""
    level: dict[str, object] = {}
    for key, entry in value.items():
        name = plain_key(key)
        if isinstance(entry, Mapping) and name in NESTED:
            matrix = entry.get("data")
            level |= {k: v for k, v in level_of(entry).items() if k not in level and k != "data"}
            entry = matrix
        if entry is not None:
            level[name] = entry
    return level


def size_from_json(levels: Sequence[Level], where: str) -> tuple[int, int] | None:
    """(width, height) in pixels that the levels tell, or None. `BadInput` for what is no size."""
    for level in levels:
        width, height = (_first(level, names) for names in SIZE)
        for keys, order in ((SIZE_BOTH, (0, 1)), (SHAPE_BOTH, (1, 0))):
            pair = _first(level, keys)
            if width is None and height is None and isinstance(pair, list) and len(pair) >= 2:
                width, height = pair[order[0]], pair[order[1]]
        if width is None and height is None:
            continue
        width, height = (
            next((found for other in levels if (found := _first(other, names)) is not None), None)
            if side is None
            else side
            for side, names in zip((width, height), SIZE, strict=True)
        )
        if width is None or height is None:
            raise BadInput(f"w and h of {where} are {shown(width)} and {shown(height)}; give both or neither.")
        what = f"w and h of {where}"
        return whole_number(width, what, 1, LARGEST_SIDE), whole_number(height, what, 1, LARGEST_SIDE)
    return None


def lens_from_json(levels: Sequence[Level], width: int, height: int, where: str) -> Lens | None:
    """The lens for a picture of width x height pixels, or None where no level tells a focal length.

    Raises `BadInput` for malformed numbers, and for sizes that are not the picture's scaled by one factor.
    """
    merged = {key: value for level in reversed(levels) for key, value in level.items()}
    distortion = distortion_from_json(merged, where)
    size = (width, height)
    focal = _focal_lengths(levels, size, where)
    if focal is None:
        return None
    center = [_center(levels, axis, size, where) for axis in (0, 1)]
    _check_center(center, size, size_from_json(levels, where) is not None, where)
    matrix = torch.eye(3, dtype=torch.float64)
    for axis in (0, 1):
        matrix[axis, axis] = focal[axis]
        told = center[axis]
        matrix[axis, 2] = size[axis] / 2 if told is None else told
    return Lens(matrix, distortion)


def is_scaled(size: tuple[int, int], told: tuple[int, int]) -> bool:
    """Whether `size` (width, height) is `told` scaled by one factor, but for the rounding of a side."""
    scales = [size[axis] / told[axis] for axis in (0, 1)]
    return any(all(abs(size[i] - told[i] * scale) <= ROUNDED for i in (0, 1)) for scale in scales)


def _reference(levels: Sequence[Level], index: int, size: tuple[int, int], where: str) -> tuple[int, int]:
    """The size in whose pixels level `index` counts; it must be the picture's up to scale."""
    told = size_from_json([levels[index], *levels], where) or size
    if not is_scaled(size, told):
        raise BadInput(
            f"w and h of {where} are {told[0]} and {told[1]}, its image has {size[0]}x{size[1]} pixels; "
            "give the image's own size."
        )
    return told


def _focal_lengths(levels: Sequence[Level], size: tuple[int, int], where: str) -> tuple[float, float] | None:
    """fx and fy in pixels of the picture."""
    found = []
    for index, level in enumerate(levels):
        reference = _reference(levels, index, size, where)
        both = [_focal(level, axis, reference, where) for axis in (0, 1)]
        found.append([None if f is None else f * size[axis] / reference[axis] for axis, f in enumerate(both)])
    told = [both for both in found if any(both)]
    if not told:
        return None
    across, upward = told[0]
    ratio = next((y / x for x, y in told if x and y), 1.0)
    across, upward = across or upward / ratio, upward or across * ratio
    return across, upward


def _focal(level: Level, axis: int, size: tuple[int, int], where: str) -> float | None:
    """The focal length along an axis, pixels of `size`, as one level tells it."""
    told = _first(level, FOCAL[axis])
    if told is None and (both := _first(level, FOCAL_BOTH)) is not None:
        told = both[axis] if isinstance(both, list) and len(both) == 2 else both
        sensor = level.get("sensorwidth")
        if sensor is not None:  # both in millimetres
            across = number(sensor, f"sensor_width of {where}", 1e-6)
            return _positive(told, "focal_length", where) / across * size[0]
    if told is not None:
        return _in_pixels(told, "fl_x" if axis == 0 else "fl_y", size, where)
    matrix = _matrix(level, where)
    if matrix is not None:
        return _in_pixels(float(matrix[axis, axis]), "the intrinsic matrix's focal length", size, where)
    angle = _first(level, RADIANS[axis])
    if angle is not None:
        name = f"camera_angle_{'xy'[axis]} of {where}, in radians,"
        angle = number(angle, name, 1e-4, 3.1415)
    elif (angle := _first(level, FOV[axis])) is not None:
        angle = number(angle, f"The field of view of {where}", 0.001, 179.99)
        is_radian = angle < math.pi and not any(key in level for key in FOV[axis] if key not in RADIANS_OR_DEGREES)
        angle = angle if is_radian else math.radians(angle)
    return None if angle is None else 0.5 * size[axis] / math.tan(0.5 * angle)


def _center(levels: Sequence[Level], axis: int, size: tuple[int, int], where: str) -> float | None:
    """The centre's coordinate along an axis, pixels of the picture."""
    for index, level in enumerate(levels):
        told = _first(level, CENTER[axis])
        both = _first(level, CENTER_BOTH)
        if told is None and isinstance(both, list) and len(both) == 2:
            told = both[axis]
        if told is None and (matrix := _matrix(level, where)) is not None:
            told = float(matrix[axis, 2])
        if told is not None:
            reference = _reference(levels, index, size, where)
            name = f"{'cx' if axis == 0 else 'cy'} of {where}"
            return number(told, name, -LARGEST_SIDE, LARGEST_SIDE) * size[axis] / reference[axis]
    return None


def _check_center(center: Sequence[float | None], size: tuple[int, int], has_size: bool, where: str) -> None:
    """`BadInput` for centres that are fractions of the picture, or of a picture of another size."""
    x, y = center
    if x is not None and y is not None and 0 <= x <= 1 and 0 <= y <= 1 and min(size) > 8:
        raise BadInput(f"cx and cy of {where} are {x:g} and {y:g}; give the centre in pixels.")
    if not has_size and ((x or 0) >= size[0] or (y or 0) >= size[1]):
        raise BadInput(
            f"cx and cy of {where} lie outside its {size[0]}x{size[1]} pixels; give the w and h they belong to."
        )


def _matrix(level: Level, where: str) -> Tensor | None:
    """The intrinsic matrix [3,3] of one level: nested or flat lists of 9 or 16, of fx fy cx cy, also by columns."""
    told = _first(level, MATRIX)
    if told is None or isinstance(told, int | float | str):
        return None
    rows = told if isinstance(told, list) else [told]
    flat = [n for row in rows for n in (row if isinstance(row, list) else [row])]
    flat = [number(n, f"The intrinsic matrix of {where}") for n in flat]
    if len(flat) == 4 and len(rows) in (1, 4):
        flat = [flat[0], 0.0, flat[2], 0.0, flat[1], flat[3], 0.0, 0.0, 1.0]
    if len(flat) not in (9, 12, 16):
        raise BadInput(f"The intrinsic matrix of {where} has {len(flat)} numbers; write 3x3, row by row.")
    wide = len(flat) // (3 if len(flat) < 16 else 4)
    matrix = torch.tensor(flat, dtype=torch.float64).view(-1, wide)[:3, :3]
    if float(matrix[2, :2].abs().max()) > 0:  # by columns, as ARKit writes it
        matrix = matrix.mT
    if matrix[2].tolist() != [0.0, 0.0, 1.0] or float(matrix[1, 0]) != 0:
        raise BadInput(f"The intrinsic matrix of {where} does not end in 0, 0, 1; write it row by row, in pixels.")
    if abs(float(matrix[0, 1])) > LARGEST_SKEW * abs(float(matrix[0, 0])):
        raise BadInput(f"The intrinsic matrix of {where} has a skew of {float(matrix[0, 1]):g}; rectify its images.")
    return matrix


def _first(level: Level, keys: Sequence[str]) -> object:
    return next((level[key] for key in keys if key in level), None)


def _in_pixels(value: object, name: str, size: tuple[int, int], where: str) -> float:
    """A focal length that can be one in pixels of a picture of that size."""
    focal = _positive(value, name, where)
    if focal < WIDEST * max(size):
        raise BadInput(f"{name} of {where} is {focal:g} for {size[0]}x{size[1]} pixels; give it in pixels.")
    return focal


def _positive(value: object, name: str, where: str) -> float:
    length = number(value, f"{name} of {where}")
    if not 0 < length <= LARGEST_SIDE * 1000:
        raise BadInput(f"{name} of {where} is {length:g}; it must be above 0, in pixels.")
    return length
