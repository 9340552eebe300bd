"""Standard output: written at once, so that a full disk or a reader that has gone is known in time."""

import os
import sys

from ..errors import BadInput


def write_stdout(text: str) -> None:
    """Write to standard output; what its encoding lacks is written as escapes.

    Raises `BadInput` when the disk behind it is full, and `BrokenPipeError` when nobody reads it any more.
    """
    if sys.stdout is None:  # a program without a console
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except OSError as error:
        _fail(error)


def discard_stdout() -> None:
    """Send the rest of standard output nowhere: Python would try to write it once more at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (AttributeError, OSError, ValueError):  # a stream of a host's own
        return


def _fail(error: OSError) -> None:
    discard_stdout()
    if isinstance(error, BrokenPipeError):
        raise error
    reason = error.strerror or error
    raise BadInput(f"Standard output cannot be written ({reason}); check the space of its disk.") from error
