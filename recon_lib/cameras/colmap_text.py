"""COLMAP's text model: cameras.txt, and images.txt with two lines an image.

Facts (colmap.github.io, "Output Format"): lines that begin with # are comments; a camera is
`CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]`; an image is `IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME`, and the line after
it lists its points as X, Y, POINT3D_ID, which may be none: then the line is empty.
"""

from collections.abc import Callable
from pathlib import Path

from ..errors import BadInput
from ..parsing import whole_number
from .colmap_lenses import lens_of_model
from .colmap_model import ColmapCamera, ColmapImage, add_camera, camera_of, pose_from_colmap
from .lens_json import LARGEST_SIDE

LARGEST_NUMBER = 2**63


def read_text(folder: Path, check: Callable[[], None]) -> list[ColmapImage]:
    """The images of cameras.txt and images.txt in `folder`, in their order; `check` runs before each.

    Raises `BadInput` naming file and line.
    """
    cameras: dict[int, ColmapCamera] = {}
    for words, where in _entries(folder / "cameras.txt"):
        add_camera(cameras, *_camera(words, where), where)
    images, lines = [], _lines(folder / "images.txt")
    for number, line in lines:
        if not line.strip():
            continue
        check()
        where = f"Line {number} of images.txt"
        images.append(_image(line, cameras, where))
        _, points = next(lines, (0, ""))
        if len(points.split()) % 3 or not all(map(_is_number, points.split()[:3])):
            raise BadInput(f"{where} is not followed by its points; each image has two lines, the second may be empty.")
    return images


def _lines(path: Path):
    """Numbers and texts of a file's lines without comments."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} could not be read as text ({str(error)[:80]}); export the model again.") from error
    return iter([(n, line) for n, line in enumerate(text.splitlines(), 1) if not line.startswith("#")])


def _entries(path: Path) -> list[tuple[list[str], str]]:
    """Words of each line, and the line's name."""
    return [(line.split(), f"Line {n} of {path.name}") for n, line in _lines(path) if line.strip()]


def _camera(words: list[str], where: str) -> tuple[int, ColmapCamera]:
    if len(words) < 5:
        raise BadInput(f"{where} is no camera; it needs a number, a model, width, height and parameters.")
    width, height = (whole_number(_integer(word), f"The size in {where}", 1, LARGEST_SIDE) for word in words[2:4])
    lens = lens_of_model(words[1].upper(), _floats(words[4:], where), where)
    return _number(words[0], where), ColmapCamera(lens, width, height)


def _image(line: str, cameras: dict[int, ColmapCamera], where: str) -> ColmapImage:
    words = line.strip().split(maxsplit=9)
    if len(words) < 10:
        raise BadInput(f"{where} is no image; it needs a number, a quaternion, a translation, a camera and a name.")
    values = _floats(words[1:8], where)
    return ColmapImage(
        words[9], pose_from_colmap(values[:4], values[4:], where), camera_of(cameras, _number(words[8], where), where)
    )


def _integer(word: str) -> int:
    """A whole number, or -1 for what is none."""
    digits = word.lstrip("-")
    return int(word) if digits.isdecimal() and len(word) < 20 else -1


def _number(word: str, where: str) -> int:
    """The number by which images refer to a camera."""
    return whole_number(_integer(word) if word.isdecimal() else word, f"The camera's number in {where}", 0, 2**32)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _floats(words: list[str], where: str) -> list[float]:
    odd = [word for word in words if not _is_number(word)]
    if odd:
        raise BadInput(f"{where} holds {odd[0][:40]!r} where a number is needed; export the model again.")
    return [float(word) for word in words]
