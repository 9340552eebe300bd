"""The one reader of image files: for stages (`read_picture`), for values such as labels and depth (`read_stored`), for
measuring (`read_unchanged`), and of the size alone (`read_size`).

Only the formats named here are opened: others, such as PostScript, start programs or are no photographs.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput
from ..parsing import check_path, is_file
from .color_profiles import in_srgb

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "AVIF", "HEIF")
ENDINGS = (
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".mpo", ".ppm", ".pgm", ".pbm", ".avif",
    ".heic", ".heif",
)  # fmt: skip
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, AttributeError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip
ORIENTATION = 0x0112  # EXIF tag, 1-8; 1 is upright
PNG_ORIENTATION = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")  # chunks that can tell it
TRANSPOSED = (5, 6, 7, 8)  # orientations that exchange width and height
LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "HEIF")
LARGEST = {"uint8": 255, "uint16": 65535}  # value of white


@dataclass(frozen=True)
class Stored:
    """An image file's values as they are stored."""

    values: "np.ndarray"  # [H,W] or [H,W,C]: uint8, uint16, int32 or float32; palettes give their indices
    palette: "np.ndarray | None"  # [N,4] uint8 RGBA of the indices
    alpha_key: object = None  # a grey value or a colour that means transparent (PNG's tRNS)
    lossy: bool = False  # values are only about what was stored


@dataclass(frozen=True)
class Size:
    """What an image file's header says."""

    width: int  # pixels, as stored
    height: int
    orientation: int  # EXIF, 1-8

    def upright(self) -> tuple[int, int]:
        """(width, height) after the turn that EXIF asks for."""
        return (self.height, self.width) if self.orientation in TRANSPOSED else (self.width, self.height)


def read_picture(path: Path | str, longest_side: int | None = None, *, upright: bool = True) -> Tensor:
    """The first frame as planes [C,H,W] float32 sRGB 0-1; C is 1 (grey), 3 (RGB) or 4 (RGBA, not premultiplied).

    Grey, palettes, 16 bit, CMYK, 32-bit integers and floats alike; colours with an embedded profile in sRGB. Larger
    pictures are reduced to `longest_side`.
    upright: turned as the EXIF tag says. Raises `BadInput` naming the file.
    """
    path = Path(path)
    with opened(path) as picture:
        turn = _orientation(picture) if upright else 1
        size = None if longest_side is None else reduced_size(*picture.size, longest_side)
        if size and picture.format in ("JPEG", "MPO"):  # big photographs decode at a fraction of their size
            picture.draft("RGB", size)
        colored = _colored(in_srgb(picture, picture.info.get("icc_profile"), path.name))
        if size and colored.mode in ("L", "RGB", "RGBA") and size != colored.size:
            colored = colored.resize(size, _filter(colored.size, size), reducing_gap=3.0)
        planes = _planes(_array(colored), path.name, picture.info.get("transparency"))
    if size and planes.shape[-2:] != (size[1], size[0]):
        planes = resampled(planes, size[1], size[0])
    return turned(planes, turn)


def read_stored(path: Path | str, *, upright: bool = True) -> Stored:
    """The first frame's values as stored, turned as the EXIF tag says if `upright`. Raises `BadInput`."""
    path = Path(path)
    with opened(path) as picture:
        turn = _orientation(picture) if upright else 1
        palette = _palette(picture) if picture.mode in ("P", "PA") else None
        plain: Image = picture
        if picture.mode == "1":
            plain = picture.convert("L")
        elif picture.mode not in ("L", "LA", "P", "PA", "RGB", "RGBA", "I", "F") and picture.mode[:2] != "I;":
            plain = _colored(picture)
        values, key, lossy = _array(plain), picture.info.get("transparency"), picture.format in LOSSY
    values = turned(torch.from_numpy(values).movedim(2, 0) if values.ndim == 3 else torch.from_numpy(values), turn)
    array = (values.movedim(0, 2) if values.ndim == 3 else values).numpy()
    return Stored(array, palette, None if palette is not None else key, lossy)


def read_unchanged(path: Path | str) -> tuple[Tensor, int]:
    """The picture for measuring: [3,H,W] float32 0-1 at its stored size, and its EXIF orientation, by which it is not
    turned. Grey counts as three equal channels.

    Raises `BadInput` for what has no one value per pixel and channel: transparent parts, several frames, CMYK, 16 bits
    in colour (of which Pillow reads 8), and numbers outside 0-1.
    """
    path = Path(path)
    with opened(path) as picture:
        told = _why_not_measured(picture)
        orientation = _orientation(picture, stored=True)
        planes = None if told else _planes(_array(_colored(picture)), path.name, None)
    if planes is not None and len(planes) == 4:
        told = None if bool((planes[3] == 1).all()) else "has transparent parts; lay it over the background you mean"
    if planes is not None and not bool(((planes >= 0) & (planes <= 1)).all()):
        told = "holds values outside 0-1; scale them"
    if told or planes is None:
        raise BadInput(f"{path.name} {told}, then measure again.")
    return (planes[:3] if len(planes) > 1 else planes.repeat(3, 1, 1)), orientation


def read_size(path: Path | str) -> Size:
    """Width, height and orientation, without decoding. Raises `BadInput`."""
    with opened(Path(path)) as picture:
        return Size(*picture.size, _orientation(picture))


@contextmanager
def opened(path: Path) -> "Iterator[ImageFile]":
    """The file opened by Pillow; whatever is wrong with it, also while it is decoded inside, is one sentence."""
    from PIL import Image, UnidentifiedImageError

    check_path("The image's path", path)
    if not is_file(path):
        raise BadInput(f"There is no image file {path}; check the path.")
    Image.init()
    try:
        with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as picture:
            yield picture
    except BadInput:
        raise
    except UnidentifiedImageError as error:
        raise BadInput(f"{path.name} is not an image that can be read here; save it as PNG or JPEG.") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise BadInput(f"{path.name} has too many pixels to be opened safely; reduce it first.") from error
    except DAMAGE as error:
        raise BadInput(f"{path.name} is damaged or truncated ({str(error)[:120]}); save it again.") from error


def reduced_size(width: int, height: int, longest_side: int) -> tuple[int, int]:
    """(width, height) with its longest side reduced to `longest_side`; smaller ones stay."""
    scale = min(1.0, longest_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resampled(planes: Tensor, height: int, width: int) -> Tensor:
    """Planes [C,H,W] at another size. With four, colours weigh by alpha: what is transparent does not bleed."""
    if tuple(planes.shape[-2:]) == (height, width):
        return planes
    weighed = torch.cat([planes[:3] * planes[3:], planes[3:]]) if len(planes) == 4 else planes
    made = F.interpolate(weighed[None].float(), (height, width), mode="bilinear", antialias=True, align_corners=False)[
        0
    ]
    if len(planes) == 4:
        made = torch.cat([made[:3] / made[3:].clamp_min(1e-6), made[3:]]).clamp(0, 1)
    return made


def turned(planes: Tensor, orientation: int) -> Tensor:
    """[...,H,W] upright, by EXIF's orientation 1-8."""
    if orientation in TRANSPOSED:
        planes = planes.mT
    if orientation in (2, 3, 6, 7):
        planes = planes.flip(-1)
    if orientation in (3, 4, 7, 8):
        planes = planes.flip(-2)
    return planes.contiguous()


def _orientation(picture: "ImageFile", stored: bool = False) -> int:
    """EXIF's orientation that is still to be done, or (`stored`) that the file has: Pillow itself turns TIFFs.

    Of a PNG without the tag Pillow would decode all pixels to be sure of it.
    """
    if picture.format == "PNG":
        content = Path(picture.filename).read_bytes()
        if not any(word in content for word in PNG_ORIENTATION):
            return 1
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except DAMAGE:
        value = 1
    done = picture.format == "TIFF" and not stored
    return value if value in range(1, 9) and not done else 1


def _colored(picture: "Image") -> "Image":
    """The picture in a mode of values that can be scaled: L, RGB, RGBA, I, I;16 or F."""
    mode = picture.mode
    if mode in ("I", "F") or mode.startswith("I;"):
        return picture
    if mode == "La":
        picture = picture.convert("LA")
    if mode in ("RGBA", "LA", "La", "PA", "RGBa") or "transparency" in picture.info:
        return picture.convert("RGBA")
    if mode in ("1", "L"):
        return picture.convert("L")
    return picture.convert("RGB")


def _array(picture: "Image") -> "np.ndarray":
    """Values [H,W] or [H,W,C] in this machine's byte order: uint8, uint16, int32 or float32."""
    import numpy as np

    values = np.asarray(picture)
    kinds = {"b": np.uint8, "f": np.float32, "i": np.int32}
    kind = kinds.get(values.dtype.kind, np.uint8 if values.dtype.itemsize == 1 else np.uint16)
    return values.astype(kind, copy=True)


def _planes(values: "np.ndarray", name: str, key: object) -> Tensor:
    """Values [H,W] or [H,W,C] as planes [C,H,W] float32, white as 1. key: the 16-bit grey that is transparent."""
    if values.ndim == 3:
        return torch.from_numpy(values).movedim(2, 0).float() / 255
    white = LARGEST.get(values.dtype.name, 1)
    if values.dtype.name == "int32":
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > LARGEST["uint16"]:
            raise BadInput(f"{name} holds numbers from {low} to {high}; a picture has 0 to 65535.")
        white = LARGEST["uint8"] if high <= LARGEST["uint8"] else LARGEST["uint16"]
    plane = torch.from_numpy(values.astype("float32"))[None] / white
    if values.dtype.name == "uint16" and isinstance(key, int):
        plane = torch.cat([plane.expand(3, -1, -1), torch.from_numpy(values != key)[None].float()])
    return plane


def _palette(picture: "Image") -> "np.ndarray":
    """[N,4] uint8 RGBA of a palette's indices."""
    import numpy as np

    found = picture.copy()
    found.apply_transparency()
    colors = found.getpalette("RGBA") or []
    return np.array(colors, dtype=np.uint8).reshape(-1, 4)


def _why_not_measured(picture: "ImageFile") -> str | None:
    """What is wrong with an opened picture for measuring, and what to do, or None."""
    frames = getattr(picture, "n_frames", 1)
    if picture.format not in ("MPO", "JPEG") and frames > 1:
        return f"holds {frames} pictures; save the one you mean"
    if picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I", "F") and picture.mode[:2] != "I;":
        return f"stores its colours as {picture.mode}; save it as RGB"
    if picture.mode in ("RGB", "RGBA", "LA") and "16" in str(picture.tile):
        return "holds 16 bits per channel, of which 8 are read; save it with 8"
    return None


def _filter(before: tuple[int, int], after: tuple[int, int]) -> int:
    """Pillow's filter for a reduction: plain means where pixels are joined by several."""
    from PIL.Image import Resampling

    return Resampling.BOX if max(before) >= 2 * max(after) else Resampling.BILINEAR
