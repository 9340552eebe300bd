"""Posed pictures of whatever format a folder holds: transforms.json, COLMAP, LLFF, projection matrices."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..errors import BadInput
from ..parsing import check_path, is_file, read_json
from ..progress import unchecked
from .colmap_frames import find_model, read_colmap
from .frame import Frame
from .frame_files import FILE_NAME, TRAINING_NAME, find_list
from .llff_frames import find_llff, read_llff
from .mask_folder import find_masks
from .projection_frames import find_projections, is_projection_list, read_projection_list, read_projections
from .transforms_json import read_transforms

Format = Literal["transforms", "colmap", "llff", "projections"]


def read_frames(source: Path, check: Callable[[], None] = unchecked) -> tuple[list[Frame], Format]:
    """Frames of a folder or of its list of cameras, and which format it is; `check` runs before each.

    A transforms.json counts first, then a COLMAP model, poses_bounds.npy, another JSON file, and projection matrices in
    text files. Frames whose source names no mask take theirs from a folder `masks`, if there is one.
    Raises `BadInput` for folders that hold none of them, naming what is there, and as each format's reader does.
    """
    check_path("The path of the views", source)
    frames, kind = _read(source, check)
    folder = source if source.is_dir() else source.parent
    masks = find_masks([frame.paths["image"] for frame in frames], folder)
    frames = [
        frame if mask is None or "mask" in frame.paths else replace(frame, paths={**frame.paths, "mask": mask})
        for frame, mask in zip(frames, masks, strict=True)
    ]
    return frames, kind


def _read(source: Path, check: Callable[[], None]) -> tuple[list[Frame], Format]:
    named = is_file(source)
    if not (named and source.suffix.lower() == ".json") and not _has_transforms(source):
        if find_model(source) is not None:
            return read_colmap(source, check), "colmap"
        if find_llff(source) is not None:
            return read_llff(source, check), "llff"
        if not named and (pairs := find_projections(source)):
            return read_projections(pairs, check), "projections"
    try:
        path = find_list(source)
    except BadInput as error:
        if named or not source.is_dir():
            raise
        raise BadInput(f"{error} Cameras of COLMAP (sparse/0), LLFF and projection matrices are read too.") from error
    value = read_json(path, str(path))
    if is_projection_list(value):
        return read_projection_list(value, path, check), "projections"
    return read_transforms(path, check), "transforms"


def _has_transforms(folder: Path) -> bool:
    return any(is_file(folder / name) for name in (FILE_NAME, TRAINING_NAME))
