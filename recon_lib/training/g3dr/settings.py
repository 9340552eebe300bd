"""Settings of a training run of G3DR."""

from dataclasses import dataclass
from pathlib import Path

from ..schedule import side_after
from ..weight_files import ZEROSHAPE_W_MINI


@dataclass(frozen=True)
class G3drSettings:
    """Settings of a run; the defaults train the embedded model."""

    shards: Path  # rendered by `python -m recon_lib data`
    out: Path  # checkpoints, log, weights, sample sheets
    validation: Path | None = None  # shards of objects that are never trained on
    encoder: Path | None = ZEROSHAPE_W_MINI  # ZeroShape-W's weights, whose backbone the run begins with; None: random
    steps: int = 10_000
    batch: int = 16
    rendered: int = 4  # of these; the others teach occupancy alone
    render: int = 32  # side of the rendered pictures, pixels
    coarse: int = 12  # stratified samples a ray
    fine: int = 12  # samples more, by importance or around the depth
    rate: float = 1e-3  # peak of AdamW's learning rate
    muon_rate: float = 0.01  # peak of Muon's learning rate
    warmup: int = 50
    fall: float = 0.4  # fraction of the run after which the rates decay
    resting: float = 0.5  # fraction of the run during which the backbone, if it comes trained, stays as it is
    weight_decay: float = 0.02
    sides: tuple[tuple[float, int], ...] = ((0.0, 96), (0.6, 128))  # from that fraction of the run: pixels
    queries: int = 1024  # points a sample that are known to lie in or out
    occupancy: bool = True  # False: no loss of these, as in the paper
    gradient_scaling: bool = True  # False: the paper's ablation
    multiresolution: bool = True  # False: the paper's ablation
    novel_views: bool = True  # False: the paper's ablation
    third_plane: bool = True  # False: x,z twice and no y,z, as in the published weights
    lpips: Path | None = None  # folder of LPIPS's weights, in place of EfficientNet-Lite0's features
    clip: Path | None = None  # folder of a CLIP vision model, in place of EfficientNet-Lite0's pooled features
    seed: int = 0
    workers: int = 1
    save_every: int = 500
    init: Path | None = None  # G3DR's own weights to start from: the largest pictures and no rest from the first step
    minutes: float | None = None  # time limit; the schedule ends then

    def side(self, done: float) -> int:
        """Side of the training pictures, pixels, after the fraction `done` of the run."""
        return self.sides[-1][1] if self.init is not None else side_after(self.sides, done)
