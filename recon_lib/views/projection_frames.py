"""Frames of pictures with 3x4 projection matrices, as multi-view stereo's data sets give their cameras.

Two ways of writing them are read. A JSON list whose entries name a `file` and its `projection_3x4` (or `projection`,
`projection_matrix`, `P`), and may tell the size in whose pixels the matrix counts; other entries are left out. Or a
text file a picture: PMVS's and Strecha's `00000000.txt`, `0000.png.P`, `0000_P.txt`, beside the picture or in `txt`,
twelve numbers row by row, before which PMVS writes the word CONTOUR (Furukawa & Ponce 2010, PMVS-2's documentation).
The world is the matrices' own.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera_json import number_matrix
from ..cameras.lens_json import Lens, level_of, size_from_json
from ..cameras.lens_models import plain_key
from ..cameras.projection_matrix import decompose_projection
from ..errors import BadInput
from ..parsing import is_file
from ..progress import unchecked
from .frame import Frame, frame_of
from .frame_files import ViewFolder
from .llff_frames import pictures_in

FILE_KEYS = ("file", "filepath", "filename", "image", "imagepath", "name")
MATRIX_KEYS = ("projection3x4", "projection", "projectionmatrix", "p", "cameraprojection", "projmatrix")
TEXT_NAMES = ("{stem}.txt", "{name}.P", "{name}.txt", "{stem}_P.txt", "{stem}.P")
TEXT_FOLDERS = (".", "txt", "../txt", "cameras", "../cameras", "projections", "../projections")
PICTURES = (".", "images", "visualize", "image")
NUMBERS = 12
LONGEST_TEXT = 4096  # bytes of a matrix's file


def is_projection_list(value: object) -> bool:
    """Whether a JSON value lists pictures with projection matrices."""
    return any(isinstance(entry, Mapping) and _entry(entry, MATRIX_KEYS) is not None for entry in _entries(value))


def read_projection_list(value: object, path: Path, check: Callable[[], None] = unchecked) -> list[Frame]:
    """Frames of a JSON list in the file `path`, in its order; `check` runs before each.

    Raises `BadInput` for pictures that are missing and matrices that are none.
    """
    folder, frames = ViewFolder(path.parent, path.name), []
    for entry in _entries(value):
        if not isinstance(entry, Mapping) or (matrix := _entry(entry, MATRIX_KEYS)) is None:
            continue
        check()
        image = _picture(folder, _entry(entry, FILE_KEYS))
        size = size_from_json([level_of(entry)], image.name)
        rows = 4 if isinstance(matrix, list) and len(matrix) == 4 else 3
        tensor = number_matrix(matrix, f"The projection matrix of {image.name}", rows, 4)
        frames.append(_frame(image, tensor, size, path.name))
    return frames


def find_projections(source: Path) -> list[tuple[Path, Path]]:
    """Pictures of a folder and the text files with their matrices; empty unless every picture of it has one."""
    for name in PICTURES:
        pictures = pictures_in(source / name)
        pairs = [(picture, text) for picture in pictures if (text := _text_of(picture)) is not None]
        if pairs and len(pairs) == len(pictures):
            return pairs
        if len(pairs) > len(pictures) / 2:
            bare = next(picture for picture in pictures if _text_of(picture) is None)
            raise BadInput(
                f"{bare.name} has no projection matrix beside it as others have; add it or take the picture out."
            )
    return []


def read_projections(pairs: list[tuple[Path, Path]], check: Callable[[], None] = unchecked) -> list[Frame]:
    """Frames of pictures and the text files with their matrices; `check` runs before each."""
    frames = []
    for picture, text in pairs:
        check()
        frames.append(_frame(picture, _matrix_in(text), None, text.name))
    return frames


def _frame(image: Path, matrix: Tensor, size: tuple[int, int] | None, source: str) -> Frame:
    intrinsics, pose = decompose_projection(matrix, f"The projection matrix of {image.name}")
    return frame_of(image, pose, Lens(intrinsics, None), size, source)


def _entries(value: object) -> list:
    """The entries of a list, or of an object's list of frames or images."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("frames", "images", "views", "cameras") if key in value), None)
    return value if isinstance(value, list) else []


def _entry(entry: Mapping, keys: tuple[str, ...]) -> object:
    plain = {plain_key(key): part for key, part in entry.items()}
    return next((plain[key] for key in keys if plain.get(key) is not None), None)


def _picture(folder: ViewFolder, name: object) -> Path:
    """The picture that an entry names; the list may lie among the pictures and name them from further up."""
    if isinstance(name, str) and "/" in name.replace("\\", "/"):
        last = name.replace("\\", "/").rsplit("/", 1)[1]
        if not is_file(folder.folder / name) and last and is_file(folder.folder / last):
            name = last
    return folder.find(name)


def _text_of(picture: Path) -> Path | None:
    """The text file with a picture's matrix, if there is one."""
    names = [name.format(stem=picture.stem, name=picture.name) for name in TEXT_NAMES]
    paths = (picture.parent / folder / name for folder in TEXT_FOLDERS for name in names)
    return next((path for path in paths if is_file(path) and _numbers(path) is not None), None)


def _matrix_in(path: Path) -> Tensor:
    numbers = _numbers(path)
    if numbers is None:
        raise BadInput(f"{path} does not hold twelve numbers; write the 3x4 projection matrix row by row.")
    return torch.tensor(numbers, dtype=torch.float64).view(3, 4)


def _numbers(path: Path) -> list[float] | None:
    """The twelve numbers in a text file, or None."""
    try:
        words = path.read_bytes()[:LONGEST_TEXT].decode("utf-8-sig").replace(",", " ").split()
        numbers = [float(word) for word in (words[1:] if words[:1] == ["CONTOUR"] else words)]
    except (OSError, ValueError):
        return None
    return numbers if len(numbers) == NUMBERS else None
