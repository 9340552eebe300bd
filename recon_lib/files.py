"""Files that are either whole or not there, and written by one run at a time."""

import json
import math
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from .errors import BadInput
from .parsing import MAX_NAME_BYTES, check_path

WRITE_FAILURES = ("PytorchStreamWriter", "unexpected pos", "Error while serializing", "I/O error")  # torch, safetensors
WINDOWS = os.name == "nt"


def check_output(path: Path | str, suffixes: tuple[str, ...] = ()) -> Path:
    """The path, once it is sure that a file can be written there. Leaves nothing behind.

    Raises `BadInput` for an ending that is not in `suffixes` (lower case, with dot), a name that no file system takes,
    a folder in the file's place, and a folder that cannot be made or written into. Long jobs call it before they begin.
    """
    path = check_path("The output's name", path)
    if suffixes and path.suffix.lower() not in suffixes:
        raise BadInput(f"{path.name} does not end in {' or '.join(suffixes)}; rename the output file.")
    try:
        if path.is_dir():
            raise BadInput(f"{path} is a folder; name a file inside it.")
        folder = _existing(path.parent)
        with tempfile.TemporaryFile(dir=folder):  # it has no name, so a kill at this moment leaves nothing
            pass
    except OSError as error:
        raise BadInput(
            f"Nothing can be written into {path.parent} ({error.strerror}); choose another folder."
        ) from error
    return path


def check_output_folder(folder: Path | str) -> Path:
    """The folder's path, once it is sure that it can be made. Leaves nothing behind. Raises `BadInput`."""
    return check_output(Path(folder) / "probe").parent


@contextmanager
def written_whole(path: Path | str) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the name `path` when the block ends well, else it is removed.

    Makes missing folders. Raises `BadInput` where the disk is full or the rights are missing.
    """
    path = check_output(path)
    beside = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        beside.replace(path)
    except Exception as error:
        if not _failed_to_write(error):
            raise
        reason = getattr(error, "strerror", None) or "the disk may be full"
        raise BadInput(f"{path} could not be written ({reason}); check space and rights.") from error
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path | str, value: object) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    with written_whole(path) as beside:
        beside.write_text(json_text(value), encoding="utf-8")


def json_text(value: object) -> str:
    """`value` as indented JSON with a line end. NaN and infinite numbers, which JSON lacks, become null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def locked(path: Path, output: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; the system gives it back when a process dies.

    Raises `BadInput` when another process holds it, which is writing `output`. Where the file system has no locks
    (some network folders), nothing is locked.
    """
    made: list[Path] = []
    try:
        _make_folders(path.parent, made)
        handle = _lock(path)
    except OSError as error:
        raise BadInput(
            f"Nothing can be written into {path.parent} ({error.strerror}); choose another folder."
        ) from error
    if handle is None:
        raise BadInput(f"Another run is writing {output} at this moment; wait for it, or name another output.")
    try:
        yield
    finally:
        if not WINDOWS:
            path.unlink(missing_ok=True)  # before the lock is given back: nobody can hold a lock of a lost file
        _unlock(handle)
        os.close(handle)
        if WINDOWS:
            _unlink_quietly(path)  # no open file can be removed there; the next one may have opened it already
        _remove_folders(made)


def remove_partial(path: Path) -> None:
    """Remove what killed runs left of `path` half-written. Only for who holds the output's lock."""
    for part in path.parent.glob(f"{escape(_beside_start(path))}.*.part{escape(path.suffix)}"):
        _unlink_quietly(part)


def _finite(value: object) -> object:
    """The value with None for NaN and infinite numbers."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def _failed_to_write(error: Exception) -> bool:
    """Whether it is the disk's error; torch and safetensors report it in words only."""
    words = str(error)
    return isinstance(error, OSError) or any(known in words for known in WRITE_FAILURES)


def _beside(path: Path) -> Path:
    """A hidden name in the same folder; it keeps the ending, by which writers choose the format."""
    return path.with_name(f"{_beside_start(path)}.{uuid.uuid4().hex[:8]}.part{path.suffix}")


def _beside_start(path: Path) -> str:
    """How the names of `_beside` begin: short enough to be a name with all that follows."""
    room = MAX_NAME_BYTES - len(f"..{'0' * 8}.part") - len(os.fsencode(path.suffix))
    return (
        "." + os.fsdecode(os.fsencode(path.name)[: max(room, 1)])
        if room < len(os.fsencode(path.name))
        else f".{path.name}"
    )


def _existing(folder: Path) -> Path:
    """The folder, or the first one above it that exists. Raises `OSError` where a file is in the way."""
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory")
    return folder


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder with those above it, and note in `made` which were missing."""
    above = _existing(folder)
    for part in folder.relative_to(above).parts:
        above = above / part
        above.mkdir(exist_ok=True)
        made.append(above)


def _remove_folders(made: list[Path]) -> None:
    for folder in reversed(made):
        try:
            folder.rmdir()
        except OSError:  # another run has put something into it
            return


def _lock(path: Path) -> int | None:
    """A handle that holds the lock of the file, or None where another process holds it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            held = _try_lock(handle)
        except OSError:  # no locks here
            return handle
        if not held:
            os.close(handle)
            return None
        if WINDOWS or _is_still(path, handle):
            return handle
        os.close(handle)  # its last holder removed it in between


def _try_lock(handle: int) -> bool:
    """Take the lock of an open file. -> False where another process has it."""
    try:
        if WINDOWS:
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(handle: int) -> None:
    """Give the lock back. Windows does so on its own some time after the file is closed, which would be too late."""
    if WINDOWS:
        import msvcrt

        with suppress(OSError):  # no locks here
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)


def _is_still(path: Path, handle: int) -> bool:
    """Whether the open file still has its name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _unlink_quietly(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # on Windows: open elsewhere
        return
