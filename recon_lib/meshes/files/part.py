"""What a reader of mesh files returns: the parts of a file, in its own coordinates, as it colours them."""

import io
import logging
from dataclasses import dataclass

import numpy as np

from ...errors import BadInput

log = logging.getLogger("recon3d")
PICTURES = ("PNG", "JPEG", "WEBP", "BMP", "TGA", "TIFF", "GIF")  # textures; others Pillow may know are not opened
MAX_TEXELS = 2**27  # 11585 x 11585


@dataclass(frozen=True, eq=False)
class Picture:
    """A texture, and what lies beyond its edges. Two parts share a texture if they hold the same object."""

    pixels: np.ndarray  # [H,W,3] uint8 sRGB
    wrap: tuple[str, str] = ("repeat", "repeat")  # of u and v: "repeat", "clamp" or "mirror"


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a mesh file. Its colour is the product of picture, tint and colours, in linear light."""

    vertices: np.ndarray  # [N,3] float64
    faces: np.ndarray  # [M,3] int64
    uvs: np.ndarray | None = None  # [N,2] float64, (0,0) the texture's top-left corner
    picture: Picture | None = None
    tint: np.ndarray | None = None  # [3] linear light, 0-1
    colors: np.ndarray | None = None  # [N,3] linear light, 0-1
    provenance: np.ndarray | None = None  # [N] uint8


def open_picture(content: bytes, name: str, wrap: tuple[str, str] = ("repeat", "repeat")) -> Picture | None:
    """The texture in a picture file's bytes; None, with a line in the log, if it cannot be read."""
    from PIL import Image

    if content[:7] == b"\xabKTX 20" or content[:4] == b"DDS ":
        left_out(name, "it is compressed for graphics cards (KTX2 or DDS); save it as PNG or JPEG")
        return None
    try:
        with Image.open(io.BytesIO(content), formats=PICTURES) as image:
            if image.width * image.height > MAX_TEXELS:
                raise ValueError(f"{image.width}x{image.height} pixels")
            if image.mode.startswith("I"):  # 16 bits of grey
                grey = np.asarray(image).astype(np.float64) / 65535
                pixels = np.repeat((grey.clip(0, 1) * 255).round().astype(np.uint8)[..., None], 3, -1)
            else:
                pixels = np.asarray(image.convert("RGB"))
    except Exception as error:  # noqa: BLE001  (Pillow raises many kinds; the shape is good without it)
        left_out(name, f"it could not be read as a picture ({error})")
        return None
    return Picture(pixels, wrap)


def left_out(what: str, why: str) -> None:
    """Tell that something in a mesh file is not shown."""
    log.warning("%s is left out: %s.", what, why)


def check_corners(name: str, faces: np.ndarray, count: int) -> None:
    """Raise `BadInput` unless all corners name one of `count` vertices."""
    if faces.size and not (faces.min() >= 0 and faces.max() < count):
        raise BadInput(f"{name} has a face that points outside its {count} vertices; it is damaged, get it again.")


def strips(corners: np.ndarray) -> np.ndarray:
    """A triangle strip's corners [C] as triangles [C-2,3], all wound like the first; degenerate ones are dropped."""
    faces = np.stack([corners[:-2], corners[1:-1], corners[2:]], 1) if len(corners) > 2 else np.zeros((0, 3), np.int64)
    faces[1::2] = faces[1::2][:, [1, 0, 2]]
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (a != c)]
