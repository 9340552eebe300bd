"""Settings of a training run of LIST."""

from dataclasses import dataclass
from pathlib import Path

from ..schedule import side_after
from ..weight_files import ZEROSHAPE_W_MINI


@dataclass(frozen=True)
class ListSettings:
    """Settings of a run; the defaults train the embedded model."""

    shards: Path  # rendered by `python -m recon_lib data`, with distances
    out: Path  # checkpoints, log, weights
    validation: Path | None = None  # shards with distances of objects that are never trained on
    encoder: Path | None = ZEROSHAPE_W_MINI  # ZeroShape-W's weights, whose backbone the run begins with; None: random
    train_encoder: bool = False  # False: the backbone stays as it comes, which halves the cost of a step
    steps: int = 10_000
    batch: int = 24
    queries: int = 512
    surface: int = 768  # points of the true surface
    rate: float = 1.5e-3  # peak of AdamW's learning rate
    muon_rate: float = 0.015  # peak of Muon's learning rate
    warmup: int = 100
    fall: float = 0.3  # fraction of the run after which the rates decay
    weight_decay: float = 0.05
    coarse_stage: float = 0.2  # fraction of the run that trains coarse points and view alone
    sides: tuple[tuple[float, int], ...] = ((0.0, 96), (0.6, 128))  # from that fraction of the run: pixels
    coarse_branch: bool = True  # False: the paper's ablation
    spatial_transformer: bool = True  # False: the paper's ablation
    seed: int = 0
    workers: int = 1
    save_every: int = 500
    init: Path | None = None  # LIST's own weights to start from
    minutes: float | None = None  # time limit; the schedule ends then

    def side(self, done: float) -> int:
        """Side of the training pictures, pixels, after the fraction `done` of the run."""
        return side_after(self.sides, done)
