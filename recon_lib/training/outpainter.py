"""Training of the outpainter on gaps of rings: `python -m recon_lib train outpainter`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.utils.data import default_collate

from ..data.gap_samples import GapSamples
from ..errors import BadInput
from ..files import check_output, written_whole
from ..networks.outpainter import MINI, Outpainter
from ..progress import Progress
from .ema import WeightAverage
from .muon import Muon, matrices_and_others
from .outpainter_lesson import Batch, LessonTerms, mirrored, noise_levels, told_and_truth
from .outpainter_validation import validate
from .settings import rate_share
from .weight_files import decay_groups, load_weights, save_weights
from .zeroshape_w import Trainer

CLIP = 1.0  # the gradient's norm
WEIGHTS = "outpainter_mini.safetensors"


@dataclass(frozen=True)
class OutpainterSettings:
    """Defaults train the embedded model."""

    samples: Path  # made by `python -m recon_lib data --rings ... --gaps ...`
    out: Path  # checkpoints, log, weights, sheet of samples
    validation: Path | None = None  # samples of objects that are never trained on
    steps: int = 20_000
    minutes: float | None = None  # stop in good time: the schedule is bent to end then
    batch: int = 16  # a process
    rate: float = 1e-3  # peak of AdamW's learning rate
    muon_rate: float = 0.02  # peak of Muon's, which moves the matrices; 0: AdamW moves everything
    weight_decay: float = 0.02
    warmup: int = 100
    fall: float = 0.4  # share of the run after which the rates fall
    seed: int = 0
    save_every: int = 500
    init: Path | None = None  # weights to start from


class OutpainterTrainer(Trainer):
    """One run. Everything it needs to go on is in `out`/state.pt; each step's lesson depends on its number alone."""

    def __init__(self, settings: OutpainterSettings) -> None:
        from accelerate import Accelerator
        from accelerate.utils import set_seed

        set_seed(settings.seed)
        precision = "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"
        self.settings, self.data = settings, GapSamples(settings.samples)
        self.accelerator = Accelerator(mixed_precision=precision)
        model = Outpainter(MINI)
        if settings.init is not None:
            load_weights(model, settings.init)
        model = model.to(memory_format=torch.channels_last)
        self.average = WeightAverage(model)
        self.optimizers = optimizers(model, settings)
        self.terms, *self.optimizers = self.accelerator.prepare(LessonTerms(model), *self.optimizers)
        self.average.module.to(self.accelerator.device)
        self.step, self.spent = 0, 0.0
        self._resume()

    def _learn(self, batch: Batch) -> dict[str, float]:
        share = rate_share(self.settings, self.done, self.step)
        for optimizer, peak in zip(self.optimizers, (self.settings.rate, self.settings.muon_rate), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = peak * share
        lesson = self._lesson(batch)
        with self.accelerator.autocast():
            terms = self.terms(*lesson)
        loss = sum(terms.values())
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.terms.parameters(), CLIP)
        if not torch.isfinite(loss):
            raise BadInput(
                f"The loss is not finite at step {self.step}; run again from the checkpoint, at a lower rate."
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update(self.network)
        self.step += 1
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    def _lesson(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        """What the network is told, the truth, noise and its levels, on the device."""
        told, clean = told_and_truth(batch)
        generator = self._dice(1)
        t = noise_levels(len(clean), self.network.config.train_steps, generator)
        noise = torch.randn(clean.shape, generator=generator)
        return tuple(x.to(self.accelerator.device) for x in (told, clean, noise, t))

    def _dice(self, purpose: int) -> torch.Generator:
        """Random numbers of this step and process."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        place = (self.settings.seed * 1_000_003 + self.step) * world + rank
        return torch.Generator().manual_seed(place * 7 + purpose)

    def _batches(self) -> Iterator[Batch]:
        while self.done < 1:
            batch = default_collate([self.data[i] for i in self.rows()])
            yield mirrored(batch) if torch.rand((), generator=self._dice(2)) < 0.5 else batch

    def rows(self) -> list[int]:
        """The samples of this step and process: all are shown once, in a new order, before any is shown again."""
        world, rank, size = self.accelerator.num_processes, self.accelerator.process_index, self.settings.batch
        first = (self.step * world + rank) * size
        return [self._order(place // len(self.data))[place % len(self.data)] for place in range(first, first + size)]

    def _order(self, epoch: int) -> list[int]:
        if getattr(self, "_epoch", None) != epoch:
            generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + epoch)
            self._epoch, self._rows = epoch, torch.randperm(len(self.data), generator=generator).tolist()
        return self._rows

    def save(self, check: Callable[[], None] = lambda: None) -> None:
        """State for going on, weights for using, figures for reading, a sheet for looking. Each file appears whole."""
        if not self.accelerator.is_main_process:
            return
        out = self.settings.out
        state = {
            "model": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.module.state_dict(),
            "step": self.step,
            "spent": self.spent,
        }
        with written_whole(out / "state.pt") as beside:
            torch.save(state, beside)
        save_weights(self.average.module, out / WEIGHTS)
        if self.settings.validation:
            from ..stages.photo import save_image

            figures, sheet = validate(self.average.module, self.settings.validation, check)
            self._log({"validation": figures})
            save_image(sheet, out / "sheet.png")


def optimizers(model: Outpainter, settings: OutpainterSettings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices if it has a rate, AdamW for the rest.

    A step of Muon costs a third to a half more here, and 70 of them are worth more than 110 of AdamW.
    """
    matrices, others = matrices_and_others(model) if settings.muon_rate else ([], list(model.parameters()))
    adam = torch.optim.AdamW(decay_groups(others, settings.weight_decay), lr=settings.rate, betas=(0.9, 0.99))
    return [adam, Muon(matrices, settings.muon_rate, decay=settings.weight_decay)] if matrices else [adam]


def train(settings: OutpainterSettings, progress: Progress | None = None) -> Path:
    """Train, going on from `settings.out` when a run was cut off there. -> the folder of the weights."""
    settings = replace(settings, out=Path(settings.out))
    for folder in (settings.samples, settings.validation):
        if folder is not None:
            GapSamples(folder)  # says so now when there are no samples
    check_output(settings.out / "state.pt")
    return OutpainterTrainer(settings).run(progress or Progress())


def add_arguments(parser: ArgumentParser) -> None:
    plain = OutpainterSettings
    parser.add_argument("--samples", type=Path, required=True, help="made by `python -m recon_lib data --gaps`")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, log, weights; a run there goes on")
    parser.add_argument("--validation", type=Path, help="samples of objects that are never trained on")
    parser.add_argument("--steps", type=int, default=plain.steps)
    parser.add_argument("--minutes", type=float, help="end after so many minutes, with the schedule bent to fit")
    parser.add_argument("--batch", type=int, default=plain.batch, help="a process")
    parser.add_argument("--rate", type=float, default=plain.rate, help="peak learning rate of AdamW")
    parser.add_argument("--muon-rate", type=float, default=plain.muon_rate, help="of Muon for the matrices; 0: none")
    parser.add_argument("--save-every", type=int, default=plain.save_every, help="steps between checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init", type=Path, help="weights to start from, such as the embedded ones")


def settings_from(args: Namespace) -> OutpainterSettings:
    """The settings that `add_arguments` asked for."""
    return OutpainterSettings(**vars(args))
