"""Atomic writing of files, and checks of output paths."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BadInput


def check_output(path: Path | str, suffixes: tuple[str, ...] = ()) -> Path:
    """The path, after a check that a file can be written there. Creates missing folders.

    Raises `BadInput` for a suffix that is not in `suffixes` (lower case, with dot), a folder of the same name,
    and a folder that cannot be created or written into. Long jobs call it before they begin.
    """
    path = Path(path)
    if suffixes and path.suffix.lower() not in suffixes:
        raise BadInput(f"{path.name} does not end in {' or '.join(suffixes)}; rename the output file.")
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name a file inside it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _beside(path)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(
            f"Nothing can be written into {path.parent} ({error.strerror}); choose another folder."
        ) from error
    return path


@contextmanager
def written_whole(path: Path | str) -> Iterator[Path]:
    """Temporary path beside `path` to write to; renamed to `path` when the block succeeds, removed when it fails."""
    path = check_output(path)
    beside = _beside(path)
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise BadInput(f"{path} could not be written ({error.strerror}); check space and rights.") from error
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path | str, value: object) -> None:
    """Write `value` as indented JSON, atomically."""
    with written_whole(path) as beside:
        beside.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _beside(path: Path) -> Path:
    """Hidden name in the same folder, with the same suffix, by which writers choose the format."""
    return path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
