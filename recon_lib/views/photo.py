"""Reading of photos and masks for stages, and writing of pictures."""

import logging
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..errors import BadInput
from .image_files import read_picture, read_size
from .mask_files import OPAQUE, alpha_strength, is_cut_out, read_mask
from .prepare import prepare_image, prepare_mask

log = logging.getLogger("recon3d")

MAX_SIDE_PX = 2048  # larger pictures are reduced: networks use far fewer pixels, and textures have no more


@dataclass(frozen=True)
class Photo:
    """A picture in the form that stages take."""

    image: Tensor  # [1,3,H,W] float32 sRGB 0-1; transparent parts are blended with white
    alpha: Tensor | None  # [1,1,H,W] float32, 1 = opaque; None if transparency cuts nothing out


def load_photo(path: Path | str, longest_side: int = MAX_SIDE_PX) -> Photo:
    """Read the first frame of an image file, upright by its EXIF tag: grey, palette, 16-bit, CMYK or RGBA.

    Pictures with a side beyond `longest_side` are reduced to it. Where all that is visible is faint, alpha is brought
    to full strength. Raises `BadInput` for files that are missing, truncated, no image, too small
    (`prepare.MIN_SIDE_PX`), fully transparent, or of absurd size.
    """
    path = Path(path)
    planes = read_picture(path, longest_side)
    size = read_size(path).upright()
    if max(size) > longest_side:
        log.info("%s reduced from %dx%d to %dx%d", path.name, *size, planes.shape[2], planes.shape[1])
    alpha = None
    if len(planes) == 4:
        strength = alpha_strength(planes[3])
        if not strength:
            raise BadInput(f"{path.name} is fully transparent; give a picture that shows something.")
        planes[3] = (planes[3] / strength).clamp(0, 1) if strength < OPAQUE else planes[3]
        if is_cut_out(planes[3]):
            alpha = planes[None, 3:]
        elif float(planes[3].min()) < OPAQUE:
            log.info("%s: its transparency cuts no object out, so it is no mask", path.name)
    try:
        image = prepare_image(planes[None])
    except BadInput as error:
        raise BadInput(f"{path.name}: {error}") from error
    return Photo(image, alpha)


def load_mask(path: Path | str, height: int, width: int) -> Tensor:
    """Read a mask file for an image of height x width. -> [1,1,H,W] float32 in 0-1, 1 = object.

    White marks the object, or the brighter of two values; in a file with transparent parts the opaque part does.
    (ComfyUI's LoadImage returns the opposite: its MASK output is 1 - alpha.)
    Raises `BadInput` as `mask_files.read_mask` and `prepare.prepare_mask`.
    """
    mask = read_mask(Path(path))
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
