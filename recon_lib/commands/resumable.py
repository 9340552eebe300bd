"""Resumable runs: a checkpoint beside the output that lives until the last output is written, one run at a time."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..files import check_output, check_output_folder, locked, remove_partial, write_json
from ..parsing import read_json

if TYPE_CHECKING:
    from ..progress import Progress
    from ..views.views import Views

MESH_SUFFIXES = (".glb", ".obj", ".ply", ".stl")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
MARKER = ".recon3d.json"  # in a folder of kept views: the files that were written, with their SHA-256
BESIDE_MESH = (".mtl", ".png")  # what an OBJ brings with it
LONGEST_STEM = 120  # bytes of the output's name in names of checkpoints


@contextmanager
def resumable(output: Path, name: str, others: tuple[Path | None, ...] = ()) -> Iterator[Path]:
    """The checkpoint's path for a run called `name` that writes `output`, and `others` beside it.

    When the block ends well the checkpoint goes, with all that was kept beside it and what killed runs left
    half-written; on any exception it stays for the next run. Raises `BadInput` when another run writes `output`.
    """
    stem = output.name if len(os.fsencode(output.name)) <= LONGEST_STEM else file_digest(os.fsencode(output.name))
    checkpoint = output.with_name(f".{stem}.{name}")
    with locked(output.with_name(f".{stem}.lock"), output):
        yield checkpoint
        from ..stages.fitting.checkpoint import remove_checkpoint

        remove_checkpoint(checkpoint)
        for path in (output, *(output.with_suffix(ending) for ending in BESIDE_MESH), *filter(None, others)):
            remove_partial(path)


def check_outputs(
    output: Path,
    report: Path | None,
    preview: Path | None,
    views: Path | None = None,
    inputs: tuple[Path | None, ...] = (),
) -> None:
    """`BadInput` for what cannot be written, or would replace an input, before any work is done.

    views: the folder of `keep_views`.
    """
    read = {path.resolve() for path in inputs if path is not None}
    for path, suffixes in ((output, MESH_SUFFIXES), (report, (".json",)), (preview, PICTURE_SUFFIXES)):
        if path is None:
            continue
        check_output(path, suffixes)
        if path.resolve() in read:
            raise BadInput(f"{path} is read and would be replaced; name another output.")
        if views is not None and views.resolve() in (path.resolve(), *path.resolve().parents):
            raise BadInput(f"{path} would lie in the folder of --keep-views, which holds views alone; name another.")
    if views is not None:
        check_output_folder(views)
        check_replaceable(views)


def check_replaceable(folder: Path) -> None:
    """`BadInput` for a folder that holds anything else than what `keep_views` wrote there, unchanged."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        written = read_json(folder / MARKER, MARKER)
    except BadInput:
        written = None
    if not isinstance(written, dict) or set(written) != set(_files(folder)) or written != _digests(folder):
        raise BadInput(f"{folder} exists already and holds files of others; name a new folder for --keep-views.")


def keep_views(views: "Views", folder: Path, progress: "Progress") -> None:
    """Write the views into `folder`, whole or not at all; what an earlier run wrote there is replaced.

    Only for who holds the output's lock.
    """
    from ..views.posed_images import save_views

    name = folder.name[:LONGEST_STEM]
    for left in folder.parent.glob(f".{escape(name)}.*.part"):
        shutil.rmtree(left, ignore_errors=True)
    beside = folder.with_name(f".{name}.{uuid.uuid4().hex[:8]}.part")
    try:
        new, old = beside / "new", beside / "old"
        beside.mkdir(parents=True)
        save_views(views, new, progress)
        write_json(new / MARKER, _digests(new))
        if folder.exists():
            check_replaceable(folder)
            folder.rename(old)
        new.rename(folder)
    except OSError as error:
        raise BadInput(f"{folder} could not be written ({error.strerror}); check space and rights.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def file_digest(content: bytes) -> str:
    """SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder but the marker, by its path there."""
    return {name: file_digest(path.read_bytes()) for name, path in _files(folder).items()}


def _files(folder: Path) -> dict[str, Path]:
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir() and path.name != MARKER)
    return {path.relative_to(folder).as_posix(): path for path in paths}
