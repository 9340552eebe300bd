"""What a training run can be told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainSettings:
    """Defaults train the embedded model."""

    shards: Path  # rendered by `python -m recon_lib data`
    out: Path  # checkpoints, log, weights, sample sheets
    validation: Path | None = None  # shards of objects that are never trained on
    backgrounds: Path | None = None  # a background bank
    size: str = "mini"
    steps: int = 4000
    batch: int = 16
    queries: int = 512
    rate: float = 4e-4  # peak of AdamW's learning rate
    warmup: int = 150
    weight_decay: float = 0.05
    small_side: int = 96  # side of the pictures at first
    small_share: float = 0.8  # share of the steps on small pictures
    seed: int = 0
    workers: int = 1
    save_every: int = 200
    occluders: bool = True  # False: the ablation, trained on scenes without occluders
    init: Path | None = None  # weights to start from
    minutes: float | None = None  # stop in good time: the schedule is bent to end then


def learning_rate(settings: TrainSettings, done: float, step: int) -> float:
    """Linear warm-up, then cosine to 1 % of the peak. `done` in 0-1 is the share of the run behind us."""
    import math

    warm = min(1.0, (step + 1) / settings.warmup)
    return settings.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))
