"""Depth files: 16-bit grey PNG and npy, as depth cameras, renderers and depth networks write them."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput
from .array_files import read_array
from .image_files import read_stored

LARGEST = 1e30
SIZE_TOLERANCE = 0.02  # relative, between the sides of a depth map and of its photo


def read_depth(path: Path, *, upright: bool = True) -> Tensor:
    """Stored depth [1,H,W] float32, in the file's unit; NaN and negative become 0 (no surface).

    upright: pictures are turned as the EXIF tag says. Raises `BadInput` naming the file.
    """
    if path.suffix.lower() == ".npy":
        array = read_array(path)
        array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
        if array.ndim != 2 or array.dtype.kind == "b":
            raise BadInput(f"{path.name} holds {array.dtype} {array.shape}; numbers of height x width are needed.")
    else:
        stored = read_stored(path, upright=upright)
        array = stored.values
        if array.ndim != 2 or stored.palette is not None:
            raise BadInput(f"{path.name} is a colour picture; depth is a 16-bit grey PNG or an npy file.")
    largest = float(np.nan_to_num(array.astype("float64"), nan=0.0, posinf=0.0, neginf=0.0).max(initial=0.0))
    if largest > LARGEST:
        raise BadInput(f"{path.name} holds depth up to {largest:.0e}; write it in other units.")
    depth = torch.from_numpy(array.astype("float32"))[None]
    return torch.nan_to_num(depth, nan=0.0, posinf=0.0, neginf=0.0).clamp_min(0)


def load_depth(path: Path, height: int, width: int) -> Tensor:
    """Depth [1,1,H,W] of a photo of height x width from a file, brought to that size without mixing surfaces."""
    depth = read_depth(path)
    rows, columns = depth.shape[-2:]
    if abs(columns / rows / (width / height) - 1) > SIZE_TOLERANCE:
        raise BadInput(f"{path.name} is {columns}x{rows} and the photo {width}x{height}; give the depth of this photo.")
    known = depth[depth > 0]
    if not len(known) or float(known.min()) == float(known.max()):
        what = "holds no depth above 0" if not len(known) else "is constant"
        raise BadInput(f"{path.name} {what}, so it says nothing about this photo; give its z-depth, 0 = unknown.")
    return torch.nn.functional.interpolate(depth[None], (height, width), mode="nearest-exact")
