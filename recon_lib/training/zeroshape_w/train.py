"""Training of ZeroShape-W on scenes: `python -m recon_lib train zeroshape-w`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ...data.shards.cutouts import Library
from ...data.shards.scenes import SceneMix
from ...files import check_output
from ...networks.zeroshape_w.model import BASE, MINI, ZeroShapeW
from ...progress import Progress
from ..arguments import add_run_arguments
from ..muon import Muon, matrices_and_others
from ..run import Batch, Run
from ..shard_batches import shard_batches
from ..weight_files import decay_groups
from .dataset import CLOSE_MIX, SceneDataset
from .imagenet import imagenet_weights, load_imagenet
from .losses import LossTerms, LossWeights, total
from .mirror import mirrored
from .settings import TrainSettings
from .validation import validate

ENCODER_RATE_FACTOR = 0.2  # of the learning rate, for the encoder that ImageNet pretrained


class Trainer(Run):
    """One run on composed scenes."""

    clip = 10.0  # reached by outliers only
    system = "zeroshape-w"
    settings: TrainSettings

    @property
    def weights_name(self) -> str:
        return f"zeroshape_w_{self.settings.size}.safetensors"

    def _model(self) -> ZeroShapeW:
        model = ZeroShapeW(BASE if self.settings.size == "base" else MINI)
        if self.settings.imagenet and self.settings.init is None:
            load_imagenet(model.dpt_depth.encoder, imagenet_weights())
        return model

    def _terms(self, model: ZeroShapeW) -> LossTerms:
        return LossTerms(model)

    def _optimizers(self, model: ZeroShapeW) -> list[torch.optim.Optimizer]:
        return optimizers(model, self.settings)

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last)
        terms = self.terms(batch)
        return total(terms, LossWeights()), terms

    def _batches(self) -> Iterator[Batch]:
        s = self.settings
        mix, close = SceneMix(), CLOSE_MIX
        if not s.occluders:
            mix, close = replace(mix, occluded=0.0), replace(close, occluded=0.0)

        def samples(first: int, length: int) -> SceneDataset:
            side, period = (s.side(self.done), s.period) if s.size == "mini" else (224, 1)
            return SceneDataset(
                s.shards, length, first=first, size=side, queries=s.queries, mix=mix, close_mix=close, period=period,
                backgrounds=s.backgrounds,
            )  # fmt: skip

        return shard_batches(self, s, samples, mirrored)

    def _validate(self, check: Callable[[], None]) -> None:
        if self.settings.validation:
            self._log({"validation": validate(self.average.module, self.settings, check)})


def optimizers(model: ZeroShapeW, settings: TrainSettings) -> list[torch.optim.Optimizer]:
    """AdamW, as in the papers; for the mini model also Muon, which learns more from few samples.

    The mini model's encoder, pretrained on ImageNet, has a lower learning rate and AdamW alone.
    """
    decay = settings.weight_decay
    if settings.size == "base":
        return [torch.optim.AdamW(decay_groups(model.parameters(), decay), lr=settings.rate, betas=(0.9, 0.99))]
    encoder = list(model.dpt_depth.get_submodule("encoder").parameters())
    matrices, others = matrices_and_others(model, encoder)
    encoder_groups = [{**group, "share": ENCODER_RATE_FACTOR} for group in decay_groups(encoder, decay)]
    adam = torch.optim.AdamW(decay_groups(others, decay) + encoder_groups, lr=settings.rate, betas=(0.9, 0.99))
    return [adam, Muon(matrices, settings.muon_rate, decay=decay)]


def train(settings: TrainSettings, progress: Progress | None = None) -> Path:
    """Train, resuming from a checkpoint in `settings.out` if there is one. -> the folder of the weights."""
    settings = replace(settings, out=Path(settings.out))
    Library(settings.shards)  # raises now when there are no shards
    check_output(settings.out / "state.pt")
    return Trainer(settings).run(progress or Progress())


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--shards", type=Path, required=True, help="folder rendered by `python -m recon_lib data`")
    add_run_arguments(parser, TrainSettings)
    parser.add_argument("--backgrounds", type=Path, help="backgrounds.npy of the same command")
    parser.add_argument("--size", choices=("mini", "base"), default="mini")
    parser.add_argument("--workers", type=int, default=TrainSettings.workers)
    parser.add_argument("--imagenet", action="store_true", help="from scratch, but the encoder from ImageNet's weights")
    parser.add_argument("--without-occluders", action="store_true", help="the ablation")


def settings_from(args: Namespace) -> TrainSettings:
    """Settings from the arguments of `add_arguments`."""
    options = {name: value for name, value in vars(args).items() if name != "without_occluders"}
    return TrainSettings(**options, occluders=not args.without_occluders)
