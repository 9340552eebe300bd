"""Reading of pictures and masks from image files, and writing of pictures."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput
from .prepare import prepare_image, prepare_mask

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("recon3d")

MAX_SIDE_PX = 2048  # larger pictures are reduced: networks use far fewer pixels, and textures have no more
OPAQUE = 0.999  # alpha from which a pixel counts as opaque


@dataclass(frozen=True)
class Photo:
    """A picture in the form that stages take."""

    image: Tensor  # [1,3,H,W] float32 sRGB 0-1; transparent parts are blended with white
    alpha: Tensor | None  # [1,1,H,W] float32, 1 = opaque; None if nothing is transparent


def load_photo(path: Path | str, longest_side: int = MAX_SIDE_PX) -> Photo:
    """Read the first frame of an image file, upright by its EXIF tag: grey, palette, 16-bit, CMYK or RGBA.

    Pictures with a side beyond `longest_side` are reduced to it. Raises `BadInput` for files that are missing,
    truncated, no image, too small (`prepare.MIN_SIDE_PX`), fully transparent, or of absurd size.
    """
    planes = _read(Path(path), longest_side)
    if planes.shape[0] == 4 and planes[3].max() < 1 / 255:
        raise BadInput(f"{Path(path).name} is fully transparent; give a picture that shows something.")
    transparent = planes.shape[0] == 4 and bool(planes[3].min() < OPAQUE)
    try:
        image = prepare_image(planes[None])
    except BadInput as error:
        raise BadInput(f"{Path(path).name}: {error}") from error
    return Photo(image, planes[None, 3:] if transparent else None)


def load_mask(path: Path | str, height: int, width: int) -> Tensor:
    """Read a mask file for an image of height x width. -> [1,1,H,W] float32 in 0-1, 1 = object.

    White marks the object; in a file with transparent parts the opaque part does. (ComfyUI's LoadImage returns the
    opposite: its MASK output is 1 - alpha.) Raises `BadInput` as `prepare.prepare_mask`.
    """
    planes = _read(Path(path), MAX_SIDE_PX)
    transparent = planes.shape[0] == 4 and bool(planes[3].min() < OPAQUE)
    mask = planes[3:] if transparent else planes[:3].mean(0, keepdim=True)
    try:
        return prepare_mask(mask, 1, height, width)
    except BadInput as error:
        raise BadInput(f"{Path(path).name}: {error}") from error


def save_image(image: Tensor, path: Path | str) -> None:
    """Write an image [3,H,W] in 0-1 as PNG, JPEG or WebP (by the suffix), atomically."""
    from PIL import Image

    from ..files import check_output, written_whole

    path = check_output(path, (".png", ".jpg", ".jpeg", ".webp"))
    pixels = (image.detach().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    with written_whole(path) as beside:
        Image.fromarray(pixels).save(beside)


def _read(path: Path, longest_side: int) -> Tensor:
    """The file's pixels as float32 planes [C,H,W] in 0-1, C = 1 (grey), 3 (RGB) or 4 (RGBA)."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise BadInput(f"There is no image file {path}; check the path.")
    try:
        with Image.open(path) as opened:
            if opened.format == "JPEG":  # decodes big photographs at a fraction of their size
                opened.draft("RGB", (longest_side, longest_side))
            planes = _planes(ImageOps.exif_transpose(opened), longest_side)
    except UnidentifiedImageError as error:
        raise BadInput(f"{path.name} is not an image that Pillow can read; save it as PNG or JPEG.") from error
    except Image.DecompressionBombError as error:
        raise BadInput(f"{path.name} has too many pixels to be opened safely; reduce it first.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadInput(f"{path.name} is damaged or truncated ({error}); save it again.") from error
    longest = max(planes.shape[-2:])
    if longest <= longest_side:
        return planes
    size = [max(1, round(side * longest_side / longest)) for side in planes.shape[-2:]]
    log.info("%s reduced from %dx%d to %dx%d", path.name, *planes.shape[:0:-1], size[1], size[0])
    return F.interpolate(planes[None], size, mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)


def _planes(picture: "Image", longest_side: int) -> Tensor:
    """Planes [C,H,W] in 0-1 of a Pillow image of any mode, reduced by an integer factor if it is far too large."""
    import numpy as np

    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return torch.from_numpy(np.asarray(picture).astype(np.float32))[None] / 65535
    if picture.mode == "F":  # 32-bit TIFF: taken as 0-1; `prepare` refuses other values
        return torch.from_numpy(np.array(picture, dtype=np.float32))[None]
    transparent = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info
    picture = picture.convert("RGBA" if transparent else "RGB")
    factor = max(picture.size) // longest_side
    if factor > 1:  # before the pixels grow to floats
        picture = picture.reduce(factor)
    return torch.from_numpy(np.array(picture, dtype=np.float32)).permute(2, 0, 1) / 255
