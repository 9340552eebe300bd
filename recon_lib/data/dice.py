"""Seeded random choices for the procedural generators."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """A stream of random choices that depends on the seed alone."""

    def __init__(self, *seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return float(self.generator.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """Uniform integer in [low, high]."""
        return int(self.generator.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.generator.random() < probability)

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, with equal probabilities."""
        return options[int(self.generator.integers(len(options)))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of the options, with probabilities in proportion to the weights."""
        total = np.cumsum(weights)
        return options[int(np.searchsorted(total, self.generator.random() * total[-1], side="right"))]

    def spread(self, middle: float, factor: float) -> float:
        """Log-uniform around `middle`, at most `factor` times larger or smaller."""
        return middle * float(np.exp(self.generator.uniform(-1, 1) * np.log(factor)))
