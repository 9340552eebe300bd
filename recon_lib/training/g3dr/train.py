"""Training of G3DR on single views: `python -m recon_lib train g3dr`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ...data.shards.cutouts import Library
from ...files import check_output
from ...networks.g3dr.config import MINI
from ...networks.g3dr.frame import CameraBox
from ...networks.g3dr.mini import G3drMini
from ...progress import Progress
from ...views.photo import save_image
from ..arguments import add_run_arguments
from ..muon import Muon, matrices_and_others
from ..run import Batch, Run
from ..shard_batches import shard_batches
from ..weight_files import decay_groups, load_part
from .dataset import SingleViews, mirrored
from .features import PictureDistances
from .given_depth import GivenDepth
from .losses import LossTerms, LossWeights, total
from .settings import G3drSettings
from .validation import validate
from .views import canonical_target, novel_share, novel_target

ENCODER_RATE_FACTOR = 0.1  # of the learning rate, for the backbone that comes trained


class Trainer(Run):
    """One run: steps in the picture's own view, and, more and more often, in views from beside it."""

    clip = 5.0  # reached by outliers only
    system = "g3dr"
    settings: G3drSettings

    @property
    def weights_name(self) -> str:
        return "g3dr_mini.safetensors"

    def _model(self) -> G3drMini:
        s = self.settings
        levels = MINI.levels if s.multiresolution else 1
        model = G3drMini(replace(MINI, levels=levels, third_plane=s.third_plane))
        if s.encoder is not None and s.init is None:
            load_part(model.dpt_depth, "dpt_depth", s.encoder)
        return model

    @cached_property
    def given_depth(self) -> GivenDepth | None:
        """The depth that a batch is given in place of the true one; None: the true one."""
        encoder = self.settings.encoder
        return None if encoder is None else GivenDepth(encoder).to(self.accelerator.device)

    def _terms(self, model: G3drMini) -> LossTerms:
        s = self.settings
        return LossTerms(model, PictureDistances(s.lpips, s.clip), (s.coarse, s.fine), s.gradient_scaling, s.occupancy,
                         s.rendered)  # fmt: skip

    def _optimizers(self, model: G3drMini) -> list[torch.optim.Optimizer]:
        return optimizers(model, self.settings)

    def _loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        s, done = self.settings, self.done
        rank = self.accelerator.process_index
        generator = torch.Generator().manual_seed((s.seed * 1_000_003 + self.step) * 64 + rank)
        if self.given_depth is not None:
            batch = self.given_depth(batch, generator)
        batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last)
        novel = s.novel_views and float(torch.rand((), generator=generator)) < novel_share(done)
        shown = {name: value[: s.rendered] for name, value in batch.items()}
        if novel:
            box = CameraBox.of(shown["intrinsics"], shown["depth"], shown["given_mask"])
            target = novel_target(shown, box, s.render, done, generator)
        else:
            target = canonical_target(shown, s.render, generator)
        self._let_backbone_rest(done)
        terms = self.terms(batch, target, novel, done, generator)
        return total(terms, LossWeights(), done), terms

    def _let_backbone_rest(self, done: float) -> None:
        """Steps are half as long while heads that know nothing learn to read a backbone that is trained."""
        s, alone = self.settings, self.accelerator.num_processes == 1  # others wait for every gradient
        begins = s.encoder is not None and s.init is None
        awake = not (begins and alone and done < s.resting)
        self.network.dpt_depth.requires_grad_(awake).train(awake)

    def _batches(self) -> Iterator[Batch]:
        s = self.settings

        def samples(first: int, length: int) -> SingleViews:
            return SingleViews(s.shards, length, first=first, size=s.side(self.done), queries=s.queries)

        return shard_batches(self, s, samples, mirrored)

    def _validate(self, check: Callable[[], None]) -> None:
        s = self.settings
        if s.validation:
            terms = LossTerms(self.average.module, self.accelerator.unwrap_model(self.terms).distances,
                              (s.coarse, s.fine), False)  # fmt: skip
            figures, sheet = validate(terms, s.validation, check)
            self._log({"validation": figures})
            save_image(sheet.cpu(), s.out / "sheet.png")


def optimizers(model: G3drMini, settings: G3drSettings) -> list[torch.optim.Optimizer]:
    """Muon for matrices; AdamW for the rest, for the decoder, and, at a lower rate, for the backbone."""
    decay = settings.weight_decay
    backbone, decoder = list(model.dpt_depth.parameters()), list(model.decoder.parameters())
    matrices, others = matrices_and_others(model, (*backbone, *decoder))
    groups = [
        *decay_groups(others, decay),
        {"params": decoder, "weight_decay": 0.0},  # its weights are large by design: they are divided where used
        *({**group, "share": ENCODER_RATE_FACTOR} for group in decay_groups(backbone, decay)),
    ]
    adam = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.99))
    return [adam, Muon(matrices, settings.muon_rate, decay=decay)]


def train(settings: G3drSettings, progress: Progress | None = None) -> Path:
    """Train, resuming from a checkpoint in `settings.out` if there is one. -> the folder of the weights."""
    settings = replace(settings, out=Path(settings.out))
    Library(settings.shards)  # raises now when there are no shards
    check_output(settings.out / "state.pt")
    return Trainer(settings).run(progress or Progress())


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--shards", type=Path, required=True, help="folder of `data --shards FOLDER`")
    add_run_arguments(parser, G3drSettings)
    parser.add_argument("--encoder", type=Path, default=G3drSettings.encoder, help="ZeroShape-W weights to begin with")
    parser.add_argument("--rendered", type=int, default=G3drSettings.rendered, help="samples of a batch to render")
    parser.add_argument("--render", type=int, default=G3drSettings.render, help="pixels a side of rendered pictures")
    parser.add_argument("--lpips", type=Path, help="folder of lpips_alex.safetensors, for the perceptual loss")
    parser.add_argument("--clip", type=Path, help="transformers folder of a CLIP vision model, for the semantic loss")
    parser.add_argument("--workers", type=int, default=G3drSettings.workers)
    parser.add_argument("--without-occupancy", action="store_true", help="learn from single views alone, as the paper")
    parser.add_argument("--without-gradient-scaling", action="store_true", help="the paper's ablation")
    parser.add_argument("--without-multiresolution", action="store_true", help="the paper's ablation")
    parser.add_argument("--without-novel-views", action="store_true", help="the paper's ablation")
    parser.add_argument("--without-third-plane", action="store_true", help="x,z twice and no y,z, as published")


def settings_from(args: Namespace) -> G3drSettings:
    """Settings from the arguments of `add_arguments`."""
    without = ("occupancy", "gradient_scaling", "multiresolution", "novel_views", "third_plane")
    options = {name: value for name, value in vars(args).items() if not name.startswith("without_")}
    return G3drSettings(**options, **{name: not getattr(args, f"without_{name}") for name in without})
