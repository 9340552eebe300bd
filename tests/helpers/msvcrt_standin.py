"""`msvcrt.locking` for machines without Windows, as Python's documentation and Microsoft's of `_locking` tell it.

The region begins at the file's position and may lie beyond its end; regions may not overlap, whichever handle or
process asks; LK_NBLCK fails at once with EACCES; what is unlocked must have been locked, by the same bytes; a closed
file and an ended process lose their locks. Linux's locks of open file descriptions (fcntl(2), F_OFD_SETLK) do the same.
"""

import errno
import fcntl
import os
import struct

LK_UNLCK, LK_LOCK, LK_NBLCK, LK_RLCK, LK_NBRLCK = range(5)
_held: set[tuple[int, int, int]] = set()


def locking(fd: int, mode: int, nbytes: int) -> None:
    """Lock or unlock `nbytes` from the file's position. Raises `OSError` as Windows does."""
    region = (fd, os.lseek(fd, 0, os.SEEK_CUR), nbytes)
    if mode == LK_UNLCK:
        if region not in _held:
            raise PermissionError(errno.EACCES, "Permission denied")
        _held.remove(region)
        _set(fcntl.F_UNLCK, *region)
        return
    assert mode == LK_NBLCK, "the others wait"
    try:
        _set(fcntl.F_WRLCK, *region)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None
    _held.add(region)


def _set(kind: int, fd: int, start: int, length: int) -> None:
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0))
