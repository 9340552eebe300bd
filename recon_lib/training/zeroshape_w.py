"""Training of ZeroShape-W on scenes: `python -m recon_lib train zeroshape-w`."""

import json
import logging
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..data.cutouts import Library
from ..data.scenes import SceneMix
from ..errors import BadInput
from ..files import check_output, written_whole
from ..networks.zeroshape_w import BASE, MINI, ZeroShapeW
from ..progress import Progress
from .dataset import CLOSE_MIX, SceneDataset
from .ema import WeightAverage
from .losses import LossTerms, LossWeights, total
from .mirror import with_mirror_images
from .muon import Muon, matrices_and_others
from .settings import TrainSettings, rate_share
from .validation import validate
from .weight_files import decay_groups, load_weights, save_weights

log = logging.getLogger("recon3d")
CLIP = 10.0  # the gradient's norm; a bound for accidents
SPAN = 100  # steps between two looks at the folder of shards, which may still be growing


class Trainer:
    """One run: the model, its optimiser, and where it stands. Everything it needs to go on is in `out`/state.pt."""

    def __init__(self, settings: TrainSettings) -> None:
        from accelerate import Accelerator
        from accelerate.utils import set_seed

        set_seed(settings.seed)
        precision = "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"
        self.settings = settings
        self.accelerator = Accelerator(mixed_precision=precision)
        model = ZeroShapeW(BASE if settings.size == "base" else MINI)
        if settings.init is not None:
            load_weights(model, settings.init)
        model = model.to(memory_format=torch.channels_last)
        self.average = WeightAverage(model)
        self.optimizers = optimizers(model, settings)
        self.terms, *self.optimizers = self.accelerator.prepare(LossTerms(model), *self.optimizers)
        self.average.module.to(self.accelerator.device)
        self.step, self.spent = 0, 0.0
        self._resume()

    # -- the run ------------------------------------------------------------------------------------------

    def run(self, progress: Progress) -> Path:
        """Train to the end. -> the folder of the final weights."""
        progress.start("training", self.settings.steps)
        progress.step(steps=self.step)
        last, sums = time.monotonic(), {}
        for batch in self._batches():
            terms = self._learn(batch)
            now = time.monotonic()
            self.spent, last = self._agreed(self.spent + now - last), now
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % 50 == 0:
                self._log({name: round(value / 50, 4) for name, value in sums.items()})
                sums = {}
            if self.step % self.settings.save_every == 0:
                self.save(progress.check)
                last = time.monotonic()
            progress.step()
        self.save(progress.check)
        return self.settings.out

    def _agreed(self, spent: float) -> float:
        """The main process's clock, so that all processes end at the same step."""
        if self.accelerator.num_processes == 1:
            return spent
        from accelerate.utils import broadcast

        return float(broadcast(torch.tensor([spent], dtype=torch.float64, device=self.accelerator.device)))

    @property
    def network(self) -> ZeroShapeW:
        return self.accelerator.unwrap_model(self.terms).network

    @property
    def done(self) -> float:
        """Share of the run behind us: by steps, or by time where that is further."""
        by_steps = self.step / self.settings.steps
        by_time = self.spent / 60 / self.settings.minutes if self.settings.minutes else 0.0
        return max(by_steps, by_time)

    def _learn(self, batch: dict[str, Tensor]) -> dict[str, float]:
        share = rate_share(self.settings, self.done, self.step)
        for optimizer, peak in zip(self.optimizers, (self.settings.rate, self.settings.muon_rate), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = peak * share
        batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last)
        with self.accelerator.autocast():
            terms = self.terms(batch)
        loss = total(terms, LossWeights())
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.terms.parameters(), CLIP)
        if not torch.isfinite(loss):  # running statistics are spoilt already: only a checkpoint helps
            raise BadInput(
                f"The loss is not finite at step {self.step}; run again from the checkpoint, at a lower rate."
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update(self.network)
        self.step += 1
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    def _batches(self) -> Iterator[dict[str, Tensor]]:
        s = self.settings
        mix, close = SceneMix(), CLOSE_MIX
        if not s.occluders:
            mix, close = replace(mix, occluded=0.0), replace(close, occluded=0.0)
        while self.done < 1:
            side, period = (s.side(self.done), s.period) if s.size == "mini" else (224, 1)
            world = self.accelerator.num_processes
            first = (s.seed * 1_000_003 + self.step * world + self.accelerator.process_index * SPAN) * s.batch
            data = SceneDataset(
                s.shards, SPAN * s.batch, first=first, size=side, queries=s.queries,
                mix=mix, close_mix=close, period=period, backgrounds=s.backgrounds,
            )  # fmt: skip
            loader = DataLoader(data, s.batch, num_workers=s.workers, prefetch_factor=4 if s.workers else None)
            for batch in with_mirror_images(loader, self.step):
                if self.done >= 1:
                    return
                yield {name: value.to(self.accelerator.device) for name, value in batch.items()}

    # -- what is kept -------------------------------------------------------------------------------------

    def save(self, check: Callable[[], None] = lambda: None) -> None:
        """State for going on, weights for using, figures for reading. Each file appears whole."""
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
        save_weights(self.average.module, out / f"zeroshape_w_{self.settings.size}.safetensors")
        if self.settings.validation:
            self._log({"validation": validate(self.average.module, self.settings, check)})

    def _resume(self) -> None:
        path = self.settings.out / "state.pt"
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["model"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.average.module.load_state_dict(state["average"])
        self.average.steps = self.step = state["step"]
        self.spent = state["spent"]
        log.info("going on from step %d", self.step)

    def _log(self, figures: dict) -> None:
        line = {"step": self.step, "minutes": round(self.spent / 60, 1), "done": round(self.done, 4), **figures}
        log.info("%s", line)
        if self.accelerator.is_main_process:
            self.settings.out.mkdir(parents=True, exist_ok=True)
            with (self.settings.out / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")


def optimizers(model: ZeroShapeW, settings: TrainSettings) -> list[torch.optim.Optimizer]:
    """AdamW, as in the papers; for the mini model Muon beside it, which makes more of few samples."""
    matrices, others = matrices_and_others(model) if settings.size == "mini" else ([], list(model.parameters()))
    groups = decay_groups(others, settings.weight_decay)
    adam = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.99))
    return [adam, Muon(matrices, settings.muon_rate, decay=settings.weight_decay)] if matrices else [adam]


def train(settings: TrainSettings, progress: Progress | None = None) -> Path:
    """Train, going on from `settings.out` when a run was cut off there. -> the folder of the weights."""
    settings = replace(settings, out=Path(settings.out))
    Library(settings.shards)  # says so now when there are no shards
    check_output(settings.out / "state.pt")
    return Trainer(settings).run(progress or Progress())


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--shards", type=Path, required=True, help="folder rendered by `python -m recon_lib data`")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, log, weights; a run there goes on")
    parser.add_argument("--validation", type=Path, help="shards of objects that are never trained on")
    parser.add_argument("--backgrounds", type=Path, help="backgrounds.npy of the same command")
    parser.add_argument("--size", choices=("mini", "base"), default="mini")
    parser.add_argument("--steps", type=int, default=TrainSettings.steps)
    parser.add_argument("--minutes", type=float, help="end after so many minutes, with the schedule bent to fit")
    parser.add_argument("--batch", type=int, default=TrainSettings.batch, help="a process")
    parser.add_argument("--rate", type=float, default=TrainSettings.rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=TrainSettings.workers)
    parser.add_argument("--init", type=Path, help="weights to start from, such as the embedded ones")
    parser.add_argument("--without-occluders", action="store_true", help="the ablation")


def settings_from(args: Namespace) -> TrainSettings:
    """The settings that `add_arguments` asked for."""
    options = {name: value for name, value in vars(args).items() if name != "without_occluders"}
    return TrainSettings(**options, occluders=not args.without_occluders)
