"""Training of the outpainter on outpaint masks of orbits: `python -m recon_lib train outpainter`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ...files import check_output
from ...networks.outpainter import MINI, Outpainter
from ...progress import Progress
from ...stages.outpainting.diffusion_loss import DiffusionLoss, condition_and_target, mirrored, noise_levels
from ..arguments import add_run_arguments
from ..muon import adam_and_muon
from ..run import Batch, Run
from .dataset import OutpaintSamples
from .validation import validate

WEIGHTS = "outpainter_mini.safetensors"


@dataclass(frozen=True)
class OutpainterSettings:
    """Settings of a run; the defaults train the embedded model."""

    samples: Path  # made by `python -m recon_lib data --orbits ... --outpaint-samples ...`
    out: Path  # checkpoints, log, weights, sheet of samples
    validation: Path | None = None  # samples of objects that are never trained on
    steps: int = 20_000
    minutes: float | None = None  # time limit; the schedule ends then
    batch: int = 16  # a process
    rate: float = 1e-3  # peak of AdamW's learning rate
    muon_rate: float = 0.02  # peak of Muon's learning rate, for the matrices; 0: AdamW for everything
    weight_decay: float = 0.02
    warmup: int = 100
    fall: float = 0.4  # fraction of the run after which the rates decay
    seed: int = 0
    save_every: int = 500
    init: Path | None = None  # weights to start from


class OutpainterTrainer(Run):
    """One run on outpaint samples; each step's batch depends on its number alone."""

    clip = 1.0
    system = "outpainter"
    weights_name = WEIGHTS
    settings: OutpainterSettings

    def __init__(self, settings: OutpainterSettings) -> None:
        self.data = OutpaintSamples(settings.samples)
        super().__init__(settings)

    def _model(self) -> Outpainter:
        return Outpainter(MINI)

    def _terms(self, model: Outpainter) -> DiffusionLoss:
        return DiffusionLoss(model)

    def _optimizers(self, model: Outpainter) -> list[torch.optim.Optimizer]:
        # a step of Muon costs a third to a half more here, and 70 of them are worth more than 110 of AdamW
        return adam_and_muon(model, self.settings.rate, self.settings.muon_rate, self.settings.weight_decay)

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        terms = self.terms(*self._training_sample(batch))
        return torch.stack(list(terms.values())).sum(), terms

    def _training_sample(self, batch: Batch) -> tuple[Tensor, ...]:
        """Condition, clean pictures, noise and noise levels, on the device."""
        condition, clean = condition_and_target(batch)
        generator = self._dice(1)
        t = noise_levels(len(clean), self.network.config.train_steps, generator)
        noise = torch.randn(clean.shape, generator=generator)
        return tuple(x.to(self.accelerator.device) for x in (condition, clean, noise, t))

    def _dice(self, purpose: int) -> torch.Generator:
        """Random generator of this step and process."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        number = (self.settings.seed * 1_000_003 + self.step) * world + rank
        return torch.Generator().manual_seed(number * 7 + purpose)

    def _batches(self) -> Iterator[Batch]:
        while self.done < 1:
            batch = default_collate([self.data[i] for i in self.rows()])
            yield mirrored(batch) if torch.rand((), generator=self._dice(2)) < 0.5 else batch

    def rows(self) -> list[int]:
        """Sample indices of this step and process; each epoch is a new permutation of all samples."""
        world, rank, size = self.accelerator.num_processes, self.accelerator.process_index, self.settings.batch
        first = (self.step * world + rank) * size
        return [self._order(i // len(self.data))[i % len(self.data)] for i in range(first, first + size)]

    def _order(self, epoch: int) -> list[int]:
        if getattr(self, "_epoch", None) != epoch:
            generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + epoch)
            self._epoch, self._rows = epoch, torch.randperm(len(self.data), generator=generator).tolist()
        return self._rows

    def _validate(self, check: Callable[[], None]) -> None:
        if self.settings.validation:
            from ...views.photo import save_image

            figures, sheet = validate(self.average.module, self.settings.validation, check)
            self._log({"validation": figures})
            save_image(sheet, self.settings.out / "sheet.png")


def train(settings: OutpainterSettings, progress: Progress | None = None) -> Path:
    """Train, resuming from a checkpoint in `settings.out` if there is one. -> the folder of the weights."""
    settings = replace(settings, out=Path(settings.out))
    for folder in (settings.samples, settings.validation):
        if folder is not None:
            OutpaintSamples(folder)  # raises now when there are no samples
    check_output(settings.out / "state.pt")
    return OutpainterTrainer(settings).run(progress or Progress())


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--samples", type=Path, required=True, help="made by `python -m recon_lib data --outpaint-samples`"
    )
    add_run_arguments(parser, OutpainterSettings)


def settings_from(args: Namespace) -> OutpainterSettings:
    """Settings from the arguments of `add_arguments`."""
    return OutpainterSettings(**vars(args))
