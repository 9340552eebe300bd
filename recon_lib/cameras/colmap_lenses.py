"""COLMAP's camera models as lenses.

Facts (colmap.github.io, "Camera Models"; the order of parameters is that of COLMAP's src/colmap/sensor/models.h):
focal lengths and centre in pixels, the top-left pixel's centre at (0.5, 0.5) as here, then coefficients of Brown's
model in OpenCV's order; FULL_OPENCV is the rational model. Fisheye and other lenses are refused: pictures of them are
to be undistorted by COLMAP's own image_undistorter, which chooses how much of so wide a picture to keep.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import BadInput
from ..parsing import number
from .camera import Cameras
from .distortion import Distortion
from .lens_json import LARGEST_SIDE, Lens

PARAMETERS = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}
NAMES = (
    "SIMPLE_PINHOLE",
    "PINHOLE",
    "SIMPLE_RADIAL",
    "RADIAL",
    "OPENCV",
    "OPENCV_FISHEYE",
    "FULL_OPENCV",
    "FOV",
    "SIMPLE_RADIAL_FISHEYE",
    "RADIAL_FISHEYE",
    "THIN_PRISM_FISHEYE",
    "RAD_TAN_THIN_PRISM_FISHEYE",
)  # fmt: skip  (by the numbers that binary files write)
LARGEST_COEFFICIENT = 1e4


def check_model(name: str, where: str) -> None:
    """Raise `BadInput` for a camera model that is not perspective with Brown's or the rational distortion."""
    if name not in PARAMETERS:
        raise BadInput(
            f"{where} has the camera model {name}; fisheye and unusual lenses are not read, run COLMAP's "
            "image_undistorter and give the folder that it writes."
        )


def lens_of_model(name: str, values: Sequence[float], where: str) -> Lens:
    """The lens of a COLMAP camera. Raises `BadInput` for other models, and for numbers that are no lens."""
    check_model(name, where)
    names = PARAMETERS[name]
    if len(values) != len(names):
        raise BadInput(f"{where} has {len(values)} parameters; {name} has {len(names)}: {', '.join(names)}.")
    told = dict(zip(names, values, strict=True))
    focal = [number(told.get(key, told.get("f")), f"The focal length of {where}", 1e-3, 1e9) for key in ("fx", "fy")]
    center = [number(told[key], f"{key} of {where}", -LARGEST_SIDE, LARGEST_SIDE) for key in ("cx", "cy")]
    intrinsics = torch.tensor([[focal[0], 0, center[0]], [0, focal[1], center[1]], [0, 0, 1]], dtype=torch.float64)
    k = [number(told.get(f"k{i}", 0.0), f"k{i} of {where}", -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
         for i in range(1, 7)]  # fmt: skip
    p = [number(told.get(f"p{i}", 0.0), f"p{i} of {where}", -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT) for i in (1, 2)]
    if not any((*k, *p)):
        return Lens(intrinsics, None)
    model = "rational" if name == "FULL_OPENCV" else "brown"
    return Lens(intrinsics, Distortion(model, (k[0], k[1], k[2], k[3], k[4], k[5]), (p[0], p[1])))


def pinhole_parameters(cameras: Cameras) -> Tensor:
    """fx, fy, cx, cy [V,4] float64 of each camera."""
    matrix = cameras.intrinsics.detach().cpu().double()
    return torch.stack([matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 0, 2], matrix[:, 1, 2]], dim=-1)
