"""Work in chunks that shrink when memory runs out."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

log = logging.getLogger("recon3d")
SMALLEST_CHUNK = 1024


def is_out_of_memory(error: BaseException) -> bool:
    """True for CUDA's, MPS's and the CPU allocator's ways of saying that memory ran out."""
    return isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and "memory" in str(error).lower() and "alloc" in str(error).lower()
    )


def in_chunks(
    function: Callable[[Tensor], Tensor],
    rows: Tensor,  # [N, ...]
    chunk: int = 131072,
    check: Callable[[], None] = lambda: None,
) -> Tensor:
    """Apply `function` to `rows` piece by piece and join the answers along the first axis.

    When memory runs out the chunk is halved and the piece tried again, down to 1024 rows; below that the error
    is the caller's. `check` runs before each piece (pass `Progress.check` to stay interruptible).
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
            log.warning("out of memory: going on with chunks of %d", chunk)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            continue
        start += chunk
    return torch.cat(pieces)
