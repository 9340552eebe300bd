"""A folder of photos without cameras."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput
from ..progress import Progress
from .image_files import read_picture, resampled
from .llff_frames import pictures_in
from .mask_files import OPAQUE, read_mask
from .mask_folder import find_masks

FOLDERS = (".", "images", "input")


@dataclass(frozen=True)
class Photos:
    """V photos of one size, by their names."""

    paths: list[Path]
    images: Tensor  # [V,3,H,W] float32 sRGB 0-1
    masks: Tensor  # [V,1,H,W] float32, 1 = object; ones where none was given
    masked: Tensor  # [V] bool, whether one was given


def load_photos(folder: Path, longest_side: int, progress: Progress | None = None) -> Photos:
    """The photos of a folder or of its folder `images`, upright by their EXIF tags, at most `longest_side` pixels.

    Masks are those of a folder `masks`, otherwise the photos' transparency.
    Raises `BadInput` for a folder without photos, for damaged ones, and for photos of several sizes.
    """
    progress = progress or Progress()
    paths = next((found for name in FOLDERS if (found := pictures_in(folder / name))), [])
    if not paths:
        raise BadInput(f"{folder} holds no photos; name a folder with PNG or JPEG files.")
    progress.start("Loading photos", len(paths))
    images, masks, masked = [], [], []
    for path, mask_path in zip(paths, find_masks(paths, folder), strict=True):
        picture = read_picture(path, longest_side)
        height, width = picture.shape[-2:]
        if images and images[0].shape[-2:] != (height, width):
            raise BadInput(f"{path.name} has another size or turn than {paths[0].name}; give photos of one camera.")
        mask = picture[3:] if len(picture) == 4 else torch.ones(1, height, width)
        if mask_path is not None:
            mask = resampled(read_mask(mask_path), height, width).clamp(0, 1)
        images.append((picture[:3] if len(picture) > 1 else picture.expand(3, -1, -1)).clamp(0, 1))
        masks.append(mask)
        masked.append(bool((mask < OPAQUE).any()))
        progress.step(images[-1])
    return Photos(paths, torch.stack(images), torch.stack(masks), torch.tensor(masked))
