"""Evaluation in chunks that shrink when memory runs out, and a one-sentence error when they cannot shrink further."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from .errors import OutOfMemory

log = logging.getLogger("recon3d")
SMALLEST_CHUNK = 1024
CHUNKS = {"cpu": 16384, "other": 131072}  # points per call: at most about a second, so that the user can interrupt


def is_out_of_memory(error: BaseException) -> bool:
    """True for the out-of-memory errors of CUDA, MPS and the CPU allocator."""
    return isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and "memory" in str(error).lower() and "alloc" in str(error).lower()
    )


@contextmanager
def explain_oom(doing: str, remedy: str) -> Iterator[None]:
    """Raise `OutOfMemory` with one sentence when memory runs out inside; also a decorator for whole stages.

    The innermost block's sentence is used.
    """
    try:
        yield
    except OutOfMemory:
        raise
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"Memory ran out while {doing}; {remedy}, or close other programs.") from error


def default_chunk(device: torch.device | str | None) -> int:
    """Default points per evaluation of a field on a device (None: the CPU)."""
    return CHUNKS["cpu" if device is None or torch.device(device).type == "cpu" else "other"]


def in_chunks(
    function: Callable[[Tensor], Tensor],
    rows: Tensor,  # [N, ...]
    chunk: int = 131072,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """`function` of `rows`, evaluated in chunks and concatenated along the first axis.

    When memory runs out the chunk is halved and tried again, down to 1024 rows; then the error is raised.
    `check` runs before each chunk (pass `Progress.check` to stay interruptible).
    """
    pieces, start = [], 0
    while start < len(rows) or not pieces:
        check()
        try:
            pieces.append(function(rows[start : start + chunk]))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or chunk <= SMALLEST_CHUNK:
                raise
            chunk = max(min(chunk, len(rows) - start) // 2, SMALLEST_CHUNK)
            log.warning("out of memory: continuing with chunks of %d", chunk)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            continue
        start += chunk
    return torch.cat(pieces)
