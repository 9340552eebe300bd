"""Settings of a training run."""

from dataclasses import dataclass
from pathlib import Path

from ..schedule import side_after


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a run; the defaults train the embedded model."""

    shards: Path  # rendered by `python -m recon_lib data`
    out: Path  # checkpoints, log, weights, sample sheets
    validation: Path | None = None  # shards of objects that are never trained on
    backgrounds: Path | None = None  # a background bank
    size: str = "mini"
    steps: int = 10_000
    batch: int = 16
    queries: int = 256
    rate: float = 2e-3  # peak of AdamW's learning rate, for vectors and the outermost layers; base: for everything
    muon_rate: float = 0.02  # peak of Muon's learning rate, for the other matrices (mini)
    warmup: int = 100
    fall: float = 0.4  # fraction of the run after which the rates decay
    weight_decay: float = 0.05
    sides: tuple[tuple[float, int], ...] = ((0.0, 64), (0.5, 96), (0.85, 128))  # from that fraction of the run: pixels
    period: int = 3  # one picture of so many is whole, the others are object crops with input masks
    seed: int = 0
    workers: int = 1
    save_every: int = 500
    occluders: bool = True  # False: the ablation, trained on scenes without occluders
    init: Path | None = None  # weights to start from
    imagenet: bool = False  # start the mini model's encoder from ImageNet weights, if there is no `init`
    minutes: float | None = None  # time limit; the schedule ends then

    def side(self, done: float) -> int:
        """Side of the training pictures, pixels, after the fraction `done` of the run.

        A run that goes on from weights begins halfway: the smallest pictures have nothing new to teach it.
        """
        return side_after(self.sides, done if self.init is None else (1 + done) / 2)
