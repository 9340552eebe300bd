"""One frame's pictures as layers of a view, at the size asked for and without distortion."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.distortion import undistorted
from ..cameras.lens_json import is_scaled
from ..errors import BadInput
from ..provenance import Provenance
from .array_files import read_array
from .frame import Frame
from .image_files import read_picture, read_stored, resampled
from .mask_files import OPAQUE, read_mask


@dataclass(frozen=True)
class Layers:
    """What one frame shows: C planes of H x W each, as in `Views`."""

    planes: dict[str, Tensor]  # images [3,H,W], masks [1,H,W], and depth, normals, provenance if asked for
    intrinsics: Tensor  # [3,3] float64, pixels of H x W
    masked: bool  # a mask was given: a file, or transparency that leaves something out


def load_layers(frame: Frame, size: tuple[int, int], names: list[str]) -> Layers:
    """The frame's image and mask and the layers in `names` at `size` (width, height).

    A mask is its file, otherwise the image's alpha channel, otherwise everything. Raises `BadInput` naming the file.
    """
    width, height = size
    picture = read_picture(frame.paths["image"], max(size), upright=frame.upright)
    picture = resampled(picture, height, width)
    if not bool(torch.isfinite(picture).all()) or float(picture.min()) < -0.5 or float(picture.max()) > 1.5:
        raise BadInput(f"{frame.paths['image'].name} holds values far outside 0 to 1; scale them.")
    planes = {"images": (picture[:3] if len(picture) > 1 else picture.expand(3, -1, -1)).clamp(0, 1)}
    planes["masks"] = picture[3:] if len(picture) == 4 else torch.ones(1, height, width)
    masked = "mask" in frame.paths or bool((planes["masks"] < OPAQUE).any())
    if "mask" in frame.paths:
        mask = _of_the_image(read_mask(frame.paths["mask"], upright=frame.upright), frame, "mask")
        planes["masks"] = resampled(mask, height, width).clamp(0, 1)
    for name in names:
        layer = _of_the_image(_read(frame, name), frame, name)
        planes[name] = F.interpolate(layer[None].float(), (height, width), mode="nearest-exact")[0].to(layer.dtype)
    scale = torch.tensor([[width / frame.width], [height / frame.height], [1.0]], dtype=torch.float64)
    intrinsics = frame.lens.intrinsics * scale
    if frame.lens.distortion is not None:
        planes = {name: _undistorted(plane, intrinsics, frame, name) for name, plane in planes.items()}
    return Layers(planes, intrinsics, masked)


def _undistorted(plane: Tensor, intrinsics: Tensor, frame: Frame, name: str) -> Tensor:
    assert frame.lens.distortion is not None
    mode = "bilinear" if name in ("images", "masks") else "nearest"
    made = undistorted(plane, intrinsics, frame.lens.distortion, mode)
    known = made[-1:] if name != "images" else 1  # what the picture does not show is no object
    return (made[:-1] * known).to(plane.dtype)


def _of_the_image(plane: Tensor, frame: Frame, name: str) -> Tensor:
    """The layer [C,h,w], if its size is the image's or a reduced copy's."""
    height, width = plane.shape[-2:]
    if not is_scaled((width, height), (frame.width, frame.height)):
        raise BadInput(
            f"{frame.paths[name].name} of {width}x{height} pixels has another size than its image of "
            f"{frame.width}x{frame.height}; resize it."
        )
    return plane


def _read(frame: Frame, name: str) -> Tensor:
    path = frame.paths[name]
    if name == "depth":
        return _depth(path, frame.upright) * frame.depth_unit
    return _array(path, 3) if name == "normals" else _codes(path, frame.upright)


def _codes(path: Path, upright: bool) -> Tensor:
    """Provenance codes [1,H,W] uint8."""
    values = read_stored(path, upright=upright).values
    codes = torch.from_numpy(values if values.ndim == 2 else values[..., 0]).long()[None]
    if int(codes.max()) > max(Provenance) or int(codes.min()) < 0:
        raise BadInput(f"{path.name} holds codes above {int(max(Provenance))}; it is no provenance picture.")
    return codes.to(torch.uint8)


def _depth(path: Path, upright: bool) -> Tensor:
    """Stored depth [1,H,W] float32, in the file's unit; NaN and negative become 0 (no surface)."""
    if path.suffix.lower() == ".npy":
        depth = _array(path, 1)
    else:
        stored = read_stored(path, upright=upright)
        if stored.values.ndim != 2 or stored.palette is not None:
            raise BadInput(f"{path.name} is a colour picture; depth is a 16-bit grey PNG or an npy file.")
        depth = torch.from_numpy(stored.values.astype("float32"))[None]
    return torch.nan_to_num(depth, nan=0.0, posinf=0.0, neginf=0.0).clamp_min(0)


def _array(path: Path, channels: int) -> Tensor:
    """An npy file of [H,W] or [H,W,channels] -> [channels,H,W] float32."""
    array = read_array(path)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] != channels or array.dtype.kind == "b":
        raise BadInput(
            f"{path.name} holds {array.dtype} {array.shape}; numbers of height x width x {channels} are needed."
        )
    return torch.from_numpy(array.astype("float32")).permute(2, 0, 1)
