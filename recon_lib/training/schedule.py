"""Learning-rate schedule: warm-up, level, linear decay."""

from typing import Protocol


class Schedule(Protocol):
    """When the learning rates rise and fall."""

    warmup: int  # steps
    fall: float  # share of the run after which the rates fall


def rate_share(settings: Schedule, done: float, step: int) -> float:
    """Share of the peak learning rate: linear warm-up, level, linear to 1 % from `fall`. `done` in 0-1 of the run."""
    warm = min(1.0, (step + 1) / settings.warmup)
    left = min(1.0, (1 - min(done, 1.0)) / (1 - settings.fall))
    return warm * (0.01 + 0.99 * left)
