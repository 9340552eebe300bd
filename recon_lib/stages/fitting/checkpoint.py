"""The state of a long fit on disk, so that it can go on after it was cut off."""

import hashlib
import io
import logging
import pickle  # noqa: TID251 - the name of weights_only's own error, nothing is unpickled
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from ...errors import BadInput, Interrupted, OutOfMemory
from ...files import check_output, written_whole
from ...memory import is_out_of_memory

log = logging.getLogger("recon3d")
PAUSE = 15.0  # seconds between two writings
HEADER = b"recon3d checkpoint 1 sha256 "  # then the digest of all that follows, 64 hexadecimal digits and a line end
DIGEST = 64
UNUSABLE = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError,
    pickle.UnpicklingError,
)  # fmt: skip
LoadedT = TypeVar("LoadedT")


class Checkpoint:
    """One file that holds the last state; that of a fit of another input is ignored."""

    def __init__(self, path: Path, key: str, pause: float = PAUSE) -> None:
        self.path, self.key, self.pause = check_output(path), key, pause
        self._written = time.monotonic()

    def resume(self, load: Callable[[dict], LoadedT]) -> LoadedT | None:
        """What `load` makes of the state that was written for the same input; None where there is none.

        A file that is damaged, or whose state `load` cannot use (it raises one of Python's usual errors), is renamed
        to `.damaged` with a warning. `load` must change nothing before it is sure.
        """
        if not self.path.is_file():
            return None
        try:
            saved = decoded(self.path.read_bytes())
            if saved["key"] != self.key:
                log.info("%s belongs to another fit and is left aside", self.path.name)
                return None
            check_no_nan(saved["state"])
            return load(saved["state"])
        except (Interrupted, OutOfMemory):
            raise
        except UNUSABLE as error:
            if is_out_of_memory(error):
                raise
            self._set_aside(error)
            return None

    def write(self, state: Callable[[], dict], now: bool = False) -> None:
        """Write the state; unless it must be `now`, only if the last writing is `pause` seconds ago or more."""
        if not now and time.monotonic() - self._written < self.pause:
            return
        content = encoded({"key": self.key, "state": state()})
        with written_whole(self.path) as beside, beside.open("wb") as file:
            for part in content:
                file.write(part)
        self._written = time.monotonic()

    def remove(self) -> None:
        """What came of the fit is safe."""
        remove_checkpoint(self.path)

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        log.warning("%s is damaged (%s); it is set aside as %s and the work starts anew", self.path, reason, aside.name)
        self.path.replace(aside)


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint with all that its run keeps beside it: files that begin with its name and `-` or `.`."""
    name = escape(path.name)
    for kept in (path, *path.parent.glob(f"{name}[-.]*"), *path.parent.glob(f".{name}[-.]*")):  # half-written: dotted
        if kept.is_file():
            kept.unlink(missing_ok=True)


def encoded(value: dict) -> tuple[bytes, memoryview]:
    """A checkpoint's header and content: tensors, numbers, text, lists and dicts."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    content = buffer.getbuffer()
    return HEADER + hashlib.sha256(content).hexdigest().encode() + b"\n", content


def decoded(content: bytes) -> dict:
    """What `encoded` was given. Raises `ValueError` when any bit has changed."""
    start = len(HEADER) + DIGEST + 1
    body = memoryview(content)[start:]
    if content[:start] != HEADER + hashlib.sha256(body).hexdigest().encode() + b"\n":
        raise ValueError("its digest is another")
    return torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)


def check_no_nan(state: object) -> None:
    """Raise `ValueError` for NaN anywhere in a state of dicts and lists."""
    if isinstance(state, Mapping):
        state = list(state.values())
    if isinstance(state, (list, tuple)):
        for part in state:
            check_no_nan(part)
    elif isinstance(state, (float, Tensor)) and torch.isnan(torch.as_tensor(state)).any():
        raise ValueError("it holds NaN")


def check_done(done: object, total: int) -> int:
    """The steps that a state says are done. Raises `BadInput` unless they are 1 to `total`."""
    if not isinstance(done, int) or isinstance(done, bool) or not 1 <= done <= total:
        raise BadInput(f"A checkpoint of {done} steps does not fit a run of {total}; remove it.")
    return done


def check_moments(moments: dict, parameters: Sequence[Tensor]) -> None:
    """Raise `ValueError` unless Adam's state has the shapes of its parameters: torch's fused steps do not look."""
    for index, moment in moments.items():
        shapes = {moment[name].shape for name in ("exp_avg", "exp_avg_sq")}
        if shapes != {parameters[index].shape} or moment["step"].numel() != 1:
            raise ValueError(f"the moments of parameter {index} have another shape")


def fingerprint(*inputs: Tensor | str | None) -> str:
    """Equal for equal inputs, and for no others."""
    digest = hashlib.sha256()
    for value in inputs:
        if isinstance(value, Tensor):
            digest.update(f"{value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw torch's CPU random numbers from `seed` inside the block; afterwards the global state is as before.

    Unlike `torch.manual_seed` it leaves the generators of GPUs alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
