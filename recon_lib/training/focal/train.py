"""Training of the focal network on true depth maps: `python -m recon_lib train focal`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ...data.shards.cutouts import Library
from ...files import check_output
from ...networks.focal import FocalConfig, FocalNetwork
from ...progress import Progress, unchecked
from ..arguments import add_run_arguments
from ..muon import adam_and_muon
from ..run import Batch, Run
from .dataset import DepthCrops, altered
from .validation import validate


@dataclass(frozen=True)
class FocalSettings:
    """Settings of a run; the defaults train the embedded model."""

    shards: Path  # rendered by `python -m recon_lib data`
    out: Path  # checkpoints, log, weights
    validation: Path | None = None  # shards of objects that are never trained on
    steps: int = 100_000
    minutes: float | None = None  # time limit; the schedule ends then
    batch: int = 64
    rate: float = 2e-3  # peak of AdamW's learning rate
    muon_rate: float = 0.02  # peak of Muon's learning rate, for the matrices; 0: AdamW for everything
    weight_decay: float = 0.05
    warmup: int = 100
    fall: float = 0.4  # fraction of the run after which the rates decay
    seed: int = 0
    save_every: int = 1000
    init: Path | None = None  # weights to start from


class Likelihood(nn.Module):
    """Negative log likelihood of a focal length's error (Kendall and Gal 2017, equation 5), and its mean square."""

    def __init__(self, network: FocalNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, depth: Tensor, mask: Tensor, focal: Tensor, assumed: Tensor) -> dict[str, Tensor]:
        """depth, mask [B,1,S,S]; true and assumed focal lengths [B]."""
        found, log_variance = self.network(depth, mask, assumed)
        squared = (found - (focal / assumed).log()).square()
        return {"likelihood": ((-log_variance).exp() * squared + log_variance).mean() / 2, "squared": squared.mean()}


class FocalTrainer(Run):
    """One run; each step's batch depends on its number alone."""

    clip = 1.0
    system = "focal"
    weights_name = "focal_mini.safetensors"
    settings: FocalSettings

    def __init__(self, settings: FocalSettings, check: Callable[[], None] = unchecked) -> None:
        side = FocalConfig().side
        self.data = DepthCrops(settings.shards, side, check)
        self.unseen = DepthCrops(settings.validation, side, check) if settings.validation else None
        super().__init__(settings)

    def _model(self) -> FocalNetwork:
        return FocalNetwork()

    def _terms(self, model: FocalNetwork) -> Likelihood:
        return Likelihood(model)

    def _optimizers(self, model: FocalNetwork) -> list[torch.optim.Optimizer]:
        return adam_and_muon(model, self.settings.rate, self.settings.muon_rate, self.settings.weight_decay)

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        names = "depth", "mask", "focal", "assumed"
        terms = self.terms(*(batch[name].to(self.accelerator.device) for name in names))
        return terms["likelihood"], terms

    def _batches(self) -> Iterator[Batch]:
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        while self.done < 1:
            number = (self.settings.seed * 1_000_003 + self.step) * world + rank
            generator = torch.Generator().manual_seed(number)
            rows = torch.randint(len(self.data), (self.settings.batch,), generator=generator)
            yield altered(self.data.batch(rows), generator)

    def _validate(self, check: Callable[[], None]) -> None:
        if self.unseen is not None:
            self._log({"validation": validate(self.average.module, self.unseen, check)})


def train(settings: FocalSettings, progress: Progress | None = None) -> Path:
    """Train, resuming from a checkpoint in `settings.out` if there is one. -> the folder of the weights."""
    settings, progress = replace(settings, out=Path(settings.out)), progress or Progress()
    for folder in (settings.shards, settings.validation):
        if folder is not None:
            Library(folder)  # raises now when there are no renders
    check_output(settings.out / "state.pt")
    return FocalTrainer(settings, progress.check).run(progress)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--shards", type=Path, required=True, help="made by `python -m recon_lib data`")
    add_run_arguments(parser, FocalSettings)


def settings_from(args: Namespace) -> FocalSettings:
    """Settings from the arguments of `add_arguments`."""
    return FocalSettings(**vars(args))
