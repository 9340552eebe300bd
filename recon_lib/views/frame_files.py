"""Where the files of posed views lie: the list of frames, and the pictures that it names."""

import logging
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadInput
from ..parsing import check_path, is_file, shown
from .image_files import ENDINGS

log = logging.getLogger("recon3d")

FILE_NAME = "transforms.json"
TRAINING_NAME = "transforms_train.json"  # Blender's split; the other parts are for measuring
ARRAY_ENDINGS = (".npy", *ENDINGS)


def find_list(source: Path) -> Path:
    """The file with the list of frames: `source`, or in a folder transforms.json, a split file, or the only JSON.

    Raises `BadInput` that names the JSON files of a folder of which none is sure.
    """
    check_path("The path of the views", source)
    if is_file(source):
        return source
    try:
        found = sorted(path for path in source.iterdir() if path.suffix.lower() == ".json" and path.is_file())
    except OSError as error:
        raise BadInput(
            f"{source} could not be read ({error.strerror}); name the folder that holds {FILE_NAME}."
        ) from error
    by_name = {path.name.lower(): path for path in found}
    for name in (FILE_NAME, TRAINING_NAME):
        if name in by_name:
            if name == TRAINING_NAME and len(found) > 1:
                log.info("views are those of %s; name another file to have its views", by_name[name].name)
            return by_name[name]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(path.name for path in found[:8]) or "no JSON file at all"
    raise BadInput(f"{source} could not be read as views: it has no {FILE_NAME} but {listed}; name the file itself.")


class ViewFolder:
    """The folder of a list of frames, and the files in it that frames may name."""

    def __init__(self, folder: Path, list_name: str) -> None:
        self.folder, self.list_name = folder, list_name
        self._root = folder.resolve()
        self._listings: dict[Path, dict[str, str]] = {}

    def find(self, name: object, endings: Sequence[str] = ENDINGS) -> Path:
        """The file that a frame calls `name`: as it is written, with `/` for `\\`, with an ending of `endings` added
        (names may have dots in them), or in other case. Raises `BadInput` for what is missing or outside the folder.
        """
        if not isinstance(name, str) or not name.strip():
            raise BadInput(f"{self.list_name} names a file by {shown(name)}; write a relative path.")
        check_path(f"A file named in {self.list_name}", name)
        plain = name.strip().replace("\\", "/")
        for written in (name, plain):
            path = self._inside(written)
            if is_file(path):
                return path
        path = self._inside(plain)
        there = self._listing(path.parent)
        for ending in ("", *endings):
            found = there.get(path.name.lower() + ending)
            if found is not None:
                return self._inside(str(Path(plain).parent / found))
        raise BadInput(f"{path} is missing; put the file back or take its frame out.")

    def _inside(self, name: str) -> Path:
        path = self.folder / name
        try:
            inside = path.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # links in circles
            inside = False
        if not inside:
            raise BadInput(
                f"{self.list_name} points to {shown(name)}, outside its folder; copy the file into the folder."
            )
        return path

    def _listing(self, folder: Path) -> dict[str, str]:
        """Names of the files of a folder by their lower case."""
        if folder not in self._listings:
            try:
                names = sorted(path.name for path in folder.iterdir() if path.is_file())
            except OSError:
                names = []
            self._listings[folder] = {name.lower(): name for name in reversed(names)}
        return self._listings[folder]
