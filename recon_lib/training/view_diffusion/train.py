"""Training of the prior of views on scattered orbits: `python -m recon_lib train view-diffusion`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from ...files import check_output
from ...networks.view_diffusion.config import MINI
from ...networks.view_diffusion.encoder import from_zeroshape_w
from ...networks.view_diffusion.model import ViewDiffusion
from ...progress import Progress
from ...weights.registry import read_state
from ..arguments import add_run_arguments
from ..muon import Muon, matrices_and_others
from ..run import Batch, Run
from ..weight_files import ZEROSHAPE_W_MINI, decay_groups
from .dataset import MOST_INPUTS, OrbitViews, draw_inputs, draw_sample
from .losses import TARGETS, ViewDiffusionLoss

WEIGHTS = "view_diffusion_mini.safetensors"
ENCODER_SHARE = 0.3  # of the learning rates, for the encoder, which has learnt already


@dataclass(frozen=True)
class ViewDiffusionSettings:
    """Settings of a run; the defaults train the embedded model."""

    orbits: Path  # made by `python -m recon_lib data --orbits ... --scattered 12`
    out: Path  # checkpoints, log, weights, sheet of samples
    validation: Path | None = None  # orbits of objects that are never trained on
    steps: int = 40_000
    minutes: float | None = None  # time limit; the schedule ends then
    batch: int = 8  # objects, a process; two targets each
    rate: float = 1e-3  # peak of AdamW's learning rate
    muon_rate: float = 0.01  # peak of Muon's learning rate, for the matrices; 0: AdamW for everything
    weight_decay: float = 0.02
    warmup: int = 100
    fall: float = 0.4  # fraction of the run after which the rates decay
    denoise_from: float = 0.3  # fraction of the run after which half of the targets are denoised, not repaired
    seed: int = 0
    save_every: int = 500
    init: Path | None = None  # weights to start from


class ViewDiffusionTrainer(Run):
    """One run on scattered orbits; each step's batch depends on its number alone."""

    clip = 1.0
    system = "view-diffusion"
    weights_name = WEIGHTS
    settings: ViewDiffusionSettings

    def __init__(self, settings: ViewDiffusionSettings) -> None:
        self.data = OrbitViews(settings.orbits, MINI.side, TARGETS + MOST_INPUTS)
        super().__init__(settings)

    def _model(self) -> ViewDiffusion:
        model = ViewDiffusion(MINI)
        if self.settings.init is None and ZEROSHAPE_W_MINI.is_file():
            model.encoder.load_state_dict(from_zeroshape_w(read_state(ZEROSHAPE_W_MINI)), strict=False)
        return model

    def _terms(self, model: ViewDiffusion) -> ViewDiffusionLoss:
        return ViewDiffusionLoss(model)

    def _optimizers(self, model: ViewDiffusion) -> list[torch.optim.Optimizer]:
        return optimizers(model, self.settings)

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        batch = {name: value.to(self.accelerator.device) for name, value in batch.items()}
        terms = self.terms(batch, self._seed(1), self.done >= self.settings.denoise_from)
        return torch.stack(list(terms.values())).sum(), terms

    def _seed(self, purpose: int) -> int:
        """Seed of this step and process."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        return (((self.settings.seed * 1_000_003 + self.step) * world + rank) * 7) + purpose

    def _batches(self) -> Iterator[Batch]:
        while self.done < 1:
            rng = np.random.default_rng(self._seed(2))
            count = TARGETS + draw_inputs(rng)
            rows = rng.integers(len(self.data), size=self.settings.batch)
            yield default_collate([draw_sample(self.data[int(row)], count, rng) for row in rows])

    def _validate(self, check: Callable[[], None]) -> None:
        if self.settings.validation:
            from ...views.photo import save_image
            from .validation import validate

            figures, sheet = validate(self.average.module, self.settings.validation, check)
            self._log({"validation": figures})
            save_image(sheet, self.settings.out / "sheet.png")


def optimizers(model: ViewDiffusion, settings: ViewDiffusionSettings) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon for the matrices if it has a rate; the encoder has a share of the rates."""
    adam_groups, muon_groups = [], []
    others = [module for name, module in model.named_children() if name != "encoder"]
    for modules, share in (([model.encoder], ENCODER_SHARE), (others, 1.0)):
        parts = torch.nn.ModuleList(modules)
        matrices, rest = matrices_and_others(parts) if settings.muon_rate else ([], list(parts.parameters()))
        adam_groups += [{**group, "share": share} for group in decay_groups(rest, settings.weight_decay)]
        muon_groups += [{"params": matrices, "share": share}]
    adam = torch.optim.AdamW(adam_groups, lr=settings.rate, betas=(0.9, 0.99))
    if not settings.muon_rate:
        return [adam]
    return [adam, Muon(muon_groups, settings.muon_rate, decay=settings.weight_decay)]


def train(settings: ViewDiffusionSettings, progress: Progress | None = None) -> Path:
    """Train, resuming from a checkpoint in `settings.out` if there is one. -> the folder of the weights."""
    settings = replace(settings, out=Path(settings.out))
    if settings.validation is not None:
        OrbitViews(settings.validation, MINI.side, TARGETS + MOST_INPUTS)  # raises now when there are none
    check_output(settings.out / "state.pt")
    return ViewDiffusionTrainer(settings).run(progress or Progress())


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--orbits", type=Path, required=True, help="made by `python -m recon_lib data --orbits FOLDER --scattered 12`"
    )
    add_run_arguments(parser, ViewDiffusionSettings, batch="objects, a process")
    parser.add_argument(
        "--denoise-from",
        type=float,
        default=ViewDiffusionSettings.denoise_from,
        help="fraction of the run after which half of the targets are denoised; before it all are repaired",
    )


def settings_from(args: Namespace) -> ViewDiffusionSettings:
    """Settings from the arguments of `add_arguments`."""
    return ViewDiffusionSettings(**vars(args))
