"""COLMAP's binary model: cameras.bin and images.bin, little-endian.

Facts (COLMAP's src/colmap/scene/reconstruction_io): a file begins with the number of entries, uint64. A camera is
int32 number, int32 model, uint64 width and height, and its parameters as doubles; an image is uint32 number, four
doubles q, three doubles t, uint32 camera, its name up to a zero byte, and uint64 points of 24 bytes each.
"""

import struct
from collections.abc import Callable
from pathlib import Path

from ..errors import BadInput
from ..parsing import MAX_PATH_BYTES, whole_number
from .colmap_lenses import NAMES, PARAMETERS, check_model, lens_of_model
from .colmap_model import ColmapCamera, ColmapImage, add_camera, camera_of, pose_from_colmap
from .lens_json import LARGEST_SIDE

POINT_BYTES = 24
MAX_BYTES = 1 << 32  # of a file


class BinaryFile:
    """A file that is read front to back; its end comes as `BadInput`."""

    def __init__(self, path: Path) -> None:
        self.name, self._at = path.name, 0
        try:
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise BadInput(f"{path} is larger than {MAX_BYTES >> 30} GB; export the model without its points.")
            self._content = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path} could not be read ({error.strerror}); export the model again.") from error

    def take(self, layout: str) -> tuple:
        """The next values of a `struct` layout."""
        size = struct.calcsize(f"<{layout}")
        self.skip(size)
        return struct.unpack_from(f"<{layout}", self._content, self._at - size)

    def skip(self, size: int) -> None:
        """Pass over some bytes."""
        if not 0 <= size <= len(self._content) - self._at:
            raise self.damage("ends early")
        self._at += size

    def text(self) -> str:
        """A name up to a zero byte."""
        end = self._content.find(b"\0", self._at, self._at + MAX_PATH_BYTES + 1)
        if end < 0:
            raise self.damage("holds a name without end")
        start, self._at = self._at, end + 1
        try:
            return self._content[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.damage("holds a name that is no UTF-8") from error

    def end(self) -> None:
        """Raise `BadInput` if there is more."""
        if self._at != len(self._content):
            raise self.damage(f"has {len(self._content) - self._at} bytes too many")

    def damage(self, what: str) -> BadInput:
        return BadInput(f"{self.name} {what} at byte {self._at}, so it is no COLMAP file or damaged; export it again.")


def read_binary(folder: Path, check: Callable[[], None]) -> list[ColmapImage]:
    """The images of cameras.bin and images.bin in `folder`, in their order; `check` runs before each.

    Raises `BadInput` for files that end early, go on after their last entry, or hold what is none.
    """
    file, cameras, images = BinaryFile(folder / "cameras.bin"), {}, []
    for _ in range(*file.take("Q")):
        check()
        number, camera = _camera(file)
        add_camera(cameras, number, camera, file.name)
    file.end()
    file = BinaryFile(folder / "images.bin")
    for _ in range(*file.take("Q")):
        check()
        images.append(_image(file, cameras))
    file.end()
    return images


def _camera(file: BinaryFile) -> tuple[int, ColmapCamera]:
    number, model, width, height = file.take("iiQQ")
    where = f"Camera {number} of {file.name}"
    name = NAMES[model] if 0 <= model < len(NAMES) else f"number {model}"
    check_model(name, where)
    width, height = (whole_number(side, f"The size of {where}", 1, LARGEST_SIDE) for side in (width, height))
    values = file.take(f"{len(PARAMETERS[name])}d")
    return number, ColmapCamera(lens_of_model(name, values, where), width, height)


def _image(file: BinaryFile, cameras: dict[int, ColmapCamera]) -> ColmapImage:
    number, *pose, camera = file.take("I7dI")
    where, name = f"Image {number} of {file.name}", file.text()
    (points,) = file.take("Q")
    file.skip(points * POINT_BYTES)
    return ColmapImage(name, pose_from_colmap(pose[:4], pose[4:], where), camera_of(cameras, camera, where))
