"""The loop around every fit's steps: progress, checkpoints, and resuming from one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

from ...errors import BadInput
from ...progress import Progress
from .checkpoint import Checkpoint, check_done

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
        """Go back to a `state`. One of another shape raises one of Python's usual errors, and changes nothing."""
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

    The state after the last step is written too: the caller removes the checkpoint, once it has written what came of
    the fit. Raises `BadInput` when the loss is no longer finite, and what the host raises on interrupt; the fit can go
    on from the checkpoint then.
    """
    started = time.perf_counter()
    fit.progress.start(title, total)
    if checkpoint is not None and checkpoint.resume(lambda state: _loaded(fit, state, total)):
        fit.progress.step(steps=fit.done)
    resumed = fit.done
    while fit.done < total:
        if not fit.advance() < float("inf"):
            raise BadInput("The fit diverged; check that the cameras belong to the images.")
        if checkpoint is not None:
            checkpoint.write(fit.state, now=fit.done == total)
        fit.progress.step(fit.preview)
    return finish(), FitStats(time.perf_counter() - started, resumed)


def _loaded(fit: ResumableFit, state: dict, total: int) -> bool:
    """Let the fit go back to a state, whose steps must be 1 to `total`. -> True"""
    check_done(state["done"], total)
    fit.load_state(state)
    return True
