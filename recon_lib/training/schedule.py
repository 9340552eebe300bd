"""Schedules: learning rate (warm-up, constant, linear decay), size of the pictures."""

from typing import Protocol


class Schedule(Protocol):
    """Settings of the learning-rate schedule."""

    warmup: int  # steps
    fall: float  # fraction of the run after which the rates decay


def side_after(sides: tuple[tuple[float, int], ...], done: float) -> int:
    """Side of the training pictures after the fraction `done` of the run; sides: (from that fraction, pixels)."""
    return [pixels for start, pixels in sides if start <= done][-1]


def rate_factor(settings: Schedule, done: float, step: int) -> float:
    """Factor of the peak learning rate: linear warm-up, constant, linear decay to 1 % from `fall`.

    `done` is the fraction of the run, 0-1.
    """
    warmup = min(1.0, (step + 1) / settings.warmup)
    decay = min(1.0, (1 - min(done, 1.0)) / (1 - settings.fall))
    return warmup * (0.01 + 0.99 * decay)
