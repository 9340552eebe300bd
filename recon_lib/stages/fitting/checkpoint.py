"""The state of a long fit on disk, so that it can go on after it was cut off."""

import hashlib
import logging
import pickle  # noqa: TID251 - the name of weights_only's own error, nothing is unpickled
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ...files import check_output, written_whole

log = logging.getLogger("recon3d")
PAUSE = 15.0  # seconds between two writings


class Checkpoint:
    """One file that holds the last state; that of a fit of another input is ignored."""

    def __init__(self, path: Path, key: str, pause: float = PAUSE) -> None:
        self.path, self.key, self.pause = check_output(path), key, pause
        self._written = time.monotonic()

    def read(self) -> dict | None:
        """The state that was written for the same input, if there is one that can be read."""
        if not self.path.is_file():
            return None
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            log.warning("%s is damaged and left aside: %s", self.path.name, error)
            return None
        if not isinstance(saved, dict) or saved.get("key") != self.key:
            log.info("%s belongs to another fit and is left aside", self.path.name)
            return None
        return saved["state"]

    def write(self, state: Callable[[], dict]) -> None:
        """Write the state, unless the last writing is less than `pause` seconds ago."""
        if time.monotonic() - self._written < self.pause:
            return
        with written_whole(self.path) as beside, beside.open("wb") as file:  # torch refuses names that begin with a dot
            torch.save({"key": self.key, "state": state()}, file)
        self._written = time.monotonic()

    def remove(self) -> None:
        """The fit is done."""
        self.path.unlink(missing_ok=True)


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
