"""Short runs of a trainer: whole, and cut off and resumed."""

import pytest

from recon_lib.errors import Interrupted
from recon_lib.progress import Progress
from tests.helpers.watching import StopAfter, losses_of


def whole_run(trainer, train, settings) -> list[float]:
    """Train from beginning to end. -> the loss of each step"""
    with pytest.MonkeyPatch.context() as patch:
        losses = losses_of(patch, trainer)
        assert train(settings) == settings.out
    return losses


def resumed_run(trainer, train, settings, steps: int) -> list[float]:
    """Stop a run after so many steps and give the same command again. -> the losses of the second part"""
    with pytest.MonkeyPatch.context() as patch:
        losses = losses_of(patch, trainer)
        with pytest.raises(Interrupted):
            train(settings, StopAfter(steps))
        losses.clear()
        progress = Progress()
        train(settings, progress)
    assert (progress.done, progress.total) == (settings.steps, settings.steps)
    return losses


def assert_each_weight_moves_once(model, optimizers) -> None:
    """Every parameter stands in exactly one group of the optimisers."""
    moved = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    assert sorted(map(id, moved)) == sorted(id(p) for p in model.parameters())
