"""The loop around every fit's steps: progress, checkpoints, and resuming from one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

from ...errors import BadInput
from ...progress import Progress
from .checkpoint import Checkpoint

ResultT = TypeVar("ResultT")


class ResumableFit(Protocol):
    """A fit that can be cut off and resumed: its state decides all that follows."""

    done: int  # steps
    progress: Progress

    def advance(self) -> float:
        """One step. -> its loss"""
        ...

    def preview(self) -> Tensor | None:
        """A quick picture [3,H,W] of the state, if there is one."""
        ...

    def state(self) -> dict:
        """The state after a step: tensors and plain values."""
        ...

    def load_state(self, state: dict) -> None:
        """Go back to a `state`."""
        ...


@dataclass(frozen=True)
class FitStats:
    """Statistics of a fit."""

    seconds: float
    resumed: int  # steps that a checkpoint had done already


def all_steps(
    fit: ResumableFit, title: str, total: int, checkpoint: Checkpoint | None, finish: Callable[[], ResultT]
) -> tuple[ResultT, FitStats]:
    """Take a fit from where `checkpoint` or it itself stands to `total` steps, and `finish` it.

    The checkpoint is removed when the result is there. Raises `BadInput` when the loss is no longer finite, and what
    the host raises on interrupt; the fit can go on from the checkpoint then.
    """
    started = time.perf_counter()
    fit.progress.start(title, total)
    state = None if checkpoint is None else checkpoint.read()
    if state is not None:
        fit.load_state(state)
        fit.progress.step(steps=fit.done)
    resumed = fit.done
    while fit.done < total:
        if not fit.advance() < float("inf"):
            raise BadInput("The fit diverged; check that the cameras belong to the images.")
        if checkpoint is not None and fit.done < total:
            checkpoint.write(fit.state)
        fit.progress.step(fit.preview)
    result = finish()
    if checkpoint is not None:
        checkpoint.remove()
    return result, FitStats(time.perf_counter() - started, resumed)
