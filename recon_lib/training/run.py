"""Training run: steps, clock, checkpoints, log. Subclasses define the network, its data and its losses."""

import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..files import written_whole
from ..progress import Progress
from .ema import WeightAverage
from .schedule import Schedule, rate_factor
from .weight_files import load_weights, save_card, save_weights

log = logging.getLogger("recon3d")
Batch = dict[str, Tensor]
LOG_EVERY = 50  # steps


class RunSettings(Schedule, Protocol):
    """Settings of a run."""

    out: Path  # checkpoints, log, weights
    steps: int
    minutes: float | None  # time limit; the schedule ends then
    batch: int  # samples of a process
    rate: float  # peak of AdamW's learning rate
    muon_rate: float  # peak of Muon's learning rate
    seed: int
    save_every: int  # steps
    init: Path | None  # weights to start from


class Run(ABC):
    """Model, optimisers and their state. Everything needed to resume is in `out`/state.pt."""

    clip: ClassVar[float]  # maximum norm of the gradient
    system: ClassVar[str]  # system of the network, in its card

    def __init__(self, settings: RunSettings) -> None:
        from accelerate import Accelerator
        from accelerate.utils import set_seed

        set_seed(settings.seed)
        precision = "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"
        self.settings = settings
        self.accelerator = Accelerator(mixed_precision=precision)
        model = self._model()
        if settings.init is not None:
            load_weights(model, settings.init)
        for parameter in model.parameters():
            if parameter.ndim == 4:  # `Module.to` would also touch 3D kernels, which have no such format
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.average = WeightAverage(model)
        optimizers = self._optimizers(model)
        self.terms, *self.optimizers = self.accelerator.prepare(self._terms(model), *optimizers)
        self.average.module.to(self.accelerator.device)
        self.step, self.spent = 0, 0.0
        self._resume()

    # -- network, data, losses ----------------------------------------------------------------------------

    @property
    @abstractmethod
    def weights_name(self) -> str:
        """Name of the weights file in `out`."""

    @abstractmethod
    def _model(self) -> nn.Module:
        """The network to train, newly initialised."""

    @abstractmethod
    def _terms(self, model: nn.Module) -> nn.Module:
        """Network and losses as one module with the attribute `network`, which accelerate distributes."""

    @abstractmethod
    def _optimizers(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        """AdamW, followed by Muon where there are matrices for it."""

    @abstractmethod
    def _batches(self) -> Iterator[Batch]:
        """Training batches of this process, until `done` reaches 1."""

    @abstractmethod
    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss to minimise, and its terms for the log."""

    @abstractmethod
    def _validate(self, check: Callable[[], None]) -> None:
        """Figures and pictures on the validation set, where there is one; `check` may interrupt."""

    # -- the run ------------------------------------------------------------------------------------------

    def run(self, progress: Progress) -> Path:
        """Train to the end. -> the folder of the final weights."""
        progress.start("training", self.settings.steps)
        progress.step(steps=self.step)
        last, sums = time.monotonic(), {}
        for batch in self._batches():
            terms = self._train_step(batch)
            now = time.monotonic()
            self.spent, last = self._synchronized(self.spent + now - last), now
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % LOG_EVERY == 0:
                self._log({name: round(value / LOG_EVERY, 4) for name, value in sums.items()})
                sums = {}
            if self.step % self.settings.save_every == 0:
                self.save(progress.check)
                last = time.monotonic()
            progress.step()
        self.save(progress.check)
        return self.settings.out

    @property
    def network(self) -> Any:  # of the type that `_model` returns
        return self.accelerator.unwrap_model(self.terms).network

    @property
    def done(self) -> float:
        """Fraction of the run that is done: by steps, or by time where that is more."""
        by_steps = self.step / self.settings.steps
        by_time = self.spent / 60 / self.settings.minutes if self.settings.minutes else 0.0
        return max(by_steps, by_time)

    def _synchronized(self, spent: float) -> float:
        """Seconds on the main process's clock, so that all processes end at the same step."""
        if self.accelerator.num_processes == 1:
            return spent
        from accelerate.utils import broadcast

        return float(broadcast(torch.tensor([spent], dtype=torch.float64, device=self.accelerator.device)))

    def _train_step(self, batch: Batch) -> dict[str, float]:
        """One optimiser step: the loss and its terms."""
        self._set_rates()
        with self.accelerator.autocast():
            loss, terms = self._loss(batch)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.terms.parameters(), self.clip)
        if not torch.isfinite(loss):  # running statistics are corrupt already: only a checkpoint helps
            raise BadInput(
                f"The loss is not finite at step {self.step}; resume from the checkpoint at a lower learning rate."
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update(self.network)
        self.step += 1
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    def _set_rates(self) -> None:
        """Set the schedule's learning rates for this step, times a group's own factor `share` where it has one."""
        factor = rate_factor(self.settings, self.done, self.step)
        for optimizer, peak in zip(self.optimizers, (self.settings.rate, self.settings.muon_rate), strict=False):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor * group.get("share", 1.0)

    # -- checkpoints --------------------------------------------------------------------------------------

    def save(self, check: Callable[[], None] = lambda: None) -> None:
        """Write the state to resume from, the weights with their card, and the validation's figures."""
        if not self.accelerator.is_main_process:
            return
        state = {
            "model": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average.module.state_dict(),
            "step": self.step,
            "spent": self.spent,
        }
        with written_whole(self.settings.out / "state.pt") as beside:
            torch.save(state, beside)
        weights = self.settings.out / self.weights_name
        save_weights(self.average.module, weights)
        save_card(self.network, self.system, weights)
        self._validate(check)

    def _resume(self) -> None:
        path = self.settings.out / "state.pt"
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["model"])
        for optimizer, optimizer_state in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(optimizer_state)
        self.average.module.load_state_dict(state["average"])
        self.average.steps = self.step = state["step"]
        self.spent = state["spent"]
        log.info("resuming from step %d", self.step)

    def _log(self, figures: dict) -> None:
        line = {"step": self.step, "minutes": round(self.spent / 60, 1), "done": round(self.done, 4), **figures}
        log.info("%s", line)
        if self.accelerator.is_main_process:
            self.settings.out.mkdir(parents=True, exist_ok=True)
            with (self.settings.out / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
