"""Masks in a folder of their own, for pictures whose list of cameras names none.

Facts: COLMAP looks for the mask of `a/b.jpg` at `masks/a/b.jpg.png` (colmap.github.io, "FAQ", masks of image regions);
most others write `masks/a/b.png`. White is the object.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from .frame_files import ARRAY_ENDINGS

log = logging.getLogger("recon3d")

FOLDERS = ("masks", "mask")


def find_masks(images: Sequence[Path], folder: Path) -> list[Path | None]:
    """The mask of each picture, or None: in a folder `masks` beside the pictures' folder, or inside it.

    folder: where the list of cameras lies. Masks of only some pictures are told in the log.
    """
    parents = {path.parent for path in images}
    roots = [folder, *(root for parent in sorted(parents) for root in (parent, parent.parent))]
    listings = [listing for root in roots for name in FOLDERS if (listing := _listing(root / name))]
    masks: list[Path | None] = []
    for image in images:
        masks.append(next((found for listing in listings if (found := _mask_of(image, listing)) is not None), None))
    missing = [image.name for image, mask in zip(images, masks, strict=True) if mask is None]
    if 0 < len(missing) < len(images):
        log.warning("%d pictures, such as %s, have no mask in the folder of masks", len(missing), missing[0])
    return masks


def _listing(folder: Path) -> dict[str, Path]:
    """Files below a folder by their relative names in lower case, at most one folder deep.

    Links that lead out of the folder around it are left out, as `frame_files` refuses them.
    """
    if not folder.is_dir():
        return {}
    around = folder.resolve().parent
    found = (path for pattern in ("*", "*/*") for path in sorted(folder.glob(pattern)))
    files = [path for path in found if path.is_file() and path.resolve().is_relative_to(around)]
    return {path.relative_to(folder).as_posix().lower(): path for path in reversed(files)}


def _mask_of(image: Path, listing: dict[str, Path]) -> Path | None:
    name, stem = image.name.lower(), image.stem.lower()
    plain = [f"{name}.png", name, *(stem + ending for ending in ARRAY_ENDINGS), f"{stem}_mask.png", f"mask_{stem}.png"]
    candidates = [f"{image.parent.name.lower()}/{entry}" for entry in plain] + plain
    return next((listing[entry] for entry in candidates if entry in listing), None)
