"""Training of LIST in the paper's two stages: `python -m recon_lib train list`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ...data.shards.upright import DistanceLibrary
from ...files import check_output
from ...networks.list_sdf.config import MINI
from ...networks.list_sdf.mini import ListMini
from ...progress import Progress
from ..arguments import add_run_arguments
from ..muon import Muon, matrices_and_others
from ..run import Batch, Run
from ..shard_batches import shard_batches
from ..weight_files import decay_groups, load_part
from .dataset import UprightDataset, mirrored
from .losses import LossTerms, LossWeights, total
from .settings import ListSettings
from .validation import validate

ENCODER_RATE_FACTOR = 0.3  # of the learning rate, for the backbone that comes trained


class Trainer(Run):
    """One run: coarse points and view first, then everything."""

    clip = 10.0  # reached by outliers only
    system = "list"
    settings: ListSettings

    @property
    def weights_name(self) -> str:
        return "list_mini.safetensors"

    def _model(self) -> ListMini:
        s = self.settings
        model = ListMini(replace(MINI, coarse_branch=s.coarse_branch, spatial_transformer=s.spatial_transformer))
        if s.encoder is not None and s.init is None:
            load_part(model.dpt_depth, "dpt_depth", s.encoder)
        model.dpt_depth.requires_grad_(s.train_encoder)
        return model

    def _terms(self, model: ListMini) -> LossTerms:
        return LossTerms(model)

    def _optimizers(self, model: ListMini) -> list[torch.optim.Optimizer]:
        return optimizers(model, self.settings)

    @property
    def coarse_only(self) -> bool:
        """Whether the run is in its first stage."""
        return self.done < self.settings.coarse_stage and self.settings.init is None

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        self.network.dpt_depth.train(self.settings.train_encoder)
        batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last)
        terms = self.terms(batch, self.coarse_only)
        return total(terms, LossWeights()), terms

    def _batches(self) -> Iterator[Batch]:
        s = self.settings

        def samples(first: int, length: int) -> UprightDataset:
            size = s.side(self.done)
            return UprightDataset(s.shards, length, first=first, size=size, queries=s.queries, surface=s.surface)

        return shard_batches(self, s, samples, mirrored)

    def _validate(self, check: Callable[[], None]) -> None:
        if self.settings.validation:
            self._log({"validation": validate(self.average.module, self.settings.validation, check)})


def optimizers(model: ListMini, settings: ListSettings) -> list[torch.optim.Optimizer]:
    """Muon for matrices, AdamW for the rest and, at a lower rate, for the backbone, which comes trained.

    The stacks of matrices of the tree's nodes are too many for Muon.
    """
    decay = settings.weight_decay
    backbone = list(model.dpt_depth.parameters())  # without gradients, an optimiser leaves them alone
    matrices, others = matrices_and_others(model, backbone)
    others += [parameter for parameter in matrices if parameter.ndim == 3]
    matrices = [parameter for parameter in matrices if parameter.ndim != 3]
    backbone_groups = [{**group, "share": ENCODER_RATE_FACTOR} for group in decay_groups(backbone, decay)]
    adam = torch.optim.AdamW(decay_groups(others, decay) + backbone_groups, lr=settings.rate, betas=(0.9, 0.99))
    return [adam, Muon(matrices, settings.muon_rate, decay=decay)]


def train(settings: ListSettings, progress: Progress | None = None) -> Path:
    """Train, resuming from a checkpoint in `settings.out` if there is one. -> the folder of the weights."""
    settings = replace(settings, out=Path(settings.out))
    DistanceLibrary(settings.shards)  # raises now when there are no shards with distances
    check_output(settings.out / "state.pt")
    return Trainer(settings).run(progress or Progress())


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--shards", type=Path, required=True, help="folder of `data --shards FOLDER --distances`")
    add_run_arguments(parser, ListSettings)
    parser.add_argument("--encoder", type=Path, default=ListSettings.encoder, help="ZeroShape-W weights to begin with")
    parser.add_argument("--train-encoder", action="store_true", help="train the backbone, too")
    parser.add_argument("--workers", type=int, default=ListSettings.workers)
    parser.add_argument("--without-coarse-branch", action="store_true", help="the paper's ablation")
    parser.add_argument("--without-spatial-transformer", action="store_true", help="the paper's ablation")


def settings_from(args: Namespace) -> ListSettings:
    """Settings from the arguments of `add_arguments`."""
    without = ("coarse_branch", "spatial_transformer")
    options = {name: value for name, value in vars(args).items() if not name.startswith("without_")}
    return ListSettings(**options, **{name: not getattr(args, f"without_{name}") for name in without})
