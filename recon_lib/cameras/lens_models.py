"""The words and flags by which camera files tell a lens model, and its coefficients."""

import re
from collections.abc import Mapping

from ..errors import BadInput
from ..parsing import number, shown
from .distortion import Distortion

PINHOLE = (
    "PINHOLE", "SIMPLE_PINHOLE", "PERSPECTIVE", "PERSPECTIVE_CAMERA", "PINHOLE_CAMERA", "PERSP", "LINEAR",
    "RECTILINEAR", "NONE",
)  # fmt: skip
BROWN = (
    "OPENCV", "SIMPLE_RADIAL", "RADIAL", "BROWN", "BROWN_CONRADY", "RADTAN", "RADIAL_TANGENTIAL", "PLUMB_BOB",
    "PINHOLE_RADTAN", "FRAME",
)  # fmt: skip
RATIONAL = ("FULL_OPENCV", "RATIONAL", "RATIONAL_POLYNOMIAL")
FISHEYE = (
    "OPENCV_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE", "FISHEYE", "EQUIDISTANT", "KANNALA_BRANDT", "KB4",
    "PINHOLE_EQUI",
)  # fmt: skip
STRICT_KEYS = ("cameramodel", "lensmodel", "projection", "projectionmodel", "projectiontype", "distortionmodel")
LOOSE_KEYS = ("cameratype", "lenstype", "lens", "model", "type", "camera")  # may also hold a camera's name
NO_PINHOLE = (
    "fisheye", "equirect", "equidist", "latlong", "panoram", "spheric", "ortho", "omnidir", "ftheta", "360", "vr180",
    "cubemap", "cylindric", "kannala", "doublesphere", "eucm", "scaramuzza", "thinprism", "stereograph",
)  # fmt: skip
NO_FLAG = ("harmonic", "scale", "normal")  # spherical harmonics, Blender's ortho_scale, orthonormal
COEFFICIENTS = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
UNSUPPORTED = ("b1", "b2", "s1", "s2", "s3", "s4", "sx1", "sy1", "p3", "p4", "taux", "tauy")
OPENCV_ORDER = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
FISHEYE_ORDER = ("k1", "k2", "k3", "k4")
NERFSTUDIO_ORDER = ("k1", "k2", "k3", "k4", "p1", "p2")
LISTS = (
    "distortionparams", "distcoeffs", "distcoeff", "distortioncoefficients", "distortioncoeffs", "distortion", "dist",
    "radialdistortion", "tangentialdistortion",
)  # fmt: skip
LARGEST_COEFFICIENT = 1e4


def plain_key(key: object) -> str:
    """A key in lower case without underscores and the like: fl_x, flX and FL-X are one."""
    return re.sub(r"[^a-z0-9]", "", str(key).lower())


def distortion_from_json(values: Mapping[str, object], where: str) -> Distortion | None:
    """The distortion that `values` (by `plain_key`) tell, None for a pinhole camera.

    Raises `BadInput` for lenses that are neither perspective nor a fisheye whose coefficients are told.
    """
    word, fisheye = _model(values, where)
    coefficients = _coefficients(values, fisheye, where)
    for key in UNSUPPORTED:
        if isinstance(values.get(key), int | float) and values[key]:
            raise BadInput(f"{where} has the lens coefficient {key}, which is not supported; undistort its images.")
    if fisheye and not any(key in coefficients for key in FISHEYE_ORDER):
        raise BadInput(
            f"{where} has the lens {word}, without coefficients k1, k2, k3 and k4; add them or undistort its images."
        )
    if not (fisheye or any(coefficients.values())):
        return None
    k = tuple(coefficients.get(f"k{i}", 0.0) for i in range(1, 7))
    p = coefficients.get("p1", 0.0), coefficients.get("p2", 0.0)
    if fisheye:
        return Distortion("fisheye", (*k[:4], 0.0, 0.0))
    rational = word in RATIONAL or k[4] != 0 or k[5] != 0
    return Distortion("rational" if rational else "brown", k, p)


def _model(values: Mapping[str, object], where: str) -> tuple[str, bool]:
    """The lens model's word in capitals, and whether it is a fisheye."""
    word, fisheye = "OPENCV", False
    for key in (*LOOSE_KEYS, *STRICT_KEYS):
        told = values.get(key)
        if told is None or (key in LOOSE_KEYS and not isinstance(told, str)):
            continue
        found = re.sub(r"[^A-Z0-9]+", "_", told.upper()).strip("_") if isinstance(told, str) else ""
        if found in FISHEYE:
            word, fisheye = found, True
        elif found in (*PINHOLE, *BROWN, *RATIONAL):
            word = found
        elif key in STRICT_KEYS or any(part in plain_key(told) for part in NO_PINHOLE):
            raise BadInput(f"{where} has {key} {shown(told)}; only perspective images are read, convert them first.")
    for key, flag in values.items():
        if any(part in key for part in NO_PINHOLE) and not any(part in key for part in NO_FLAG) and _is_set(flag):
            if "fisheye" not in key:
                raise BadInput(f"{where} says {key}: {shown(flag)}; only perspective images are read, convert them.")
            word, fisheye = ("FISHEYE", True) if not fisheye else (word, True)
    return word, fisheye


def _is_set(flag: object) -> bool:
    """Whether a flag's value says yes."""
    if isinstance(flag, str):
        return flag.strip().lower() not in ("", "0", "false", "no", "off", "none")
    return bool(flag)


def _coefficients(values: Mapping[str, object], fisheye: bool, where: str) -> dict[str, float]:
    """k1 ... p2, as far as they are told one by one or as a list."""
    told: dict[str, object] = {}
    for key in LISTS:
        numbers = values.get(key)
        if isinstance(numbers, list) and numbers:
            while len(numbers) == 1 and isinstance(numbers[0], list):
                numbers = numbers[0]
            numbers = [n[0] if isinstance(n, list) and len(n) == 1 else n for n in numbers]
            order = FISHEYE_ORDER if fisheye else OPENCV_ORDER
            if key == "radialdistortion":
                order = ("k1", "k2", "k3", "k4", "k5", "k6")
            elif key == "tangentialdistortion":
                order = ("p1", "p2")
            elif key == "distortionparams" and len(numbers) == len(NERFSTUDIO_ORDER):
                order = NERFSTUDIO_ORDER
            if any(n != 0 for n in numbers[len(order) :]):
                raise BadInput(f"{where} has {len(numbers)} numbers of distortion; {len(order)} are known: undistort.")
            told |= dict(zip(order, numbers, strict=False))
    if isinstance(values.get("k"), int | float):
        told["k1"] = values["k"]
    told |= {key: values[key] for key in COEFFICIENTS if key in values}
    limit = LARGEST_COEFFICIENT
    return {key: number(value, f"{key} of {where}", -limit, limit) for key, value in told.items()}
