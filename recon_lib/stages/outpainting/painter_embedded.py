"""The embedded outpainter as a painter."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ...errors import BadInput
from ...networks.low_rank import with_low_rank
from ...networks.outpainter import Outpainter, make_condition
from ...progress import Progress
from ...render.fill import continued
from ...weights.inpainters import locate_outpainter
from ...weights.registry import LoadedModel, load_model, read_state
from .outpaint import PainterInput
from .painter_plain import nearest_colors

LARGEST_SIDE = 512
MIN_ALPHA = 0.5  # below it, a pixel's own colour is not known


@dataclass(frozen=True)
class EmbeddedPainter:
    """Painter with a network of this pack. It takes no prompt: it is conditioned on what was seen and on the hull."""

    model: LoadedModel
    device: torch.device | str = "cpu"
    steps: int | None = None  # None: as the model's card says
    square: int | None = None  # pixels; None: what the network was trained on, where it is best
    lora: str = ""  # a safetensors file of `personalize`

    def __post_init__(self) -> None:
        if not isinstance(self.model.module, Outpainter):
            raise BadInput(f"{self.model.card.name} is a {self.model.card.system} model; give an outpainter.")
        stride = self.model.module.config.stride
        if self.side % stride or not stride <= self.side <= LARGEST_SIDE:
            raise BadInput(
                f"A square of {self.side} px cannot be painted; give a multiple of {stride} up to {LARGEST_SIDE}."
            )

    @property
    def name(self) -> str:
        """For logs and checkpoints."""
        return f"{self.model.card.name} + {Path(self.lora).stem}" if self.lora else self.model.card.name

    @property
    def side(self) -> int:
        """Pixels of the square that is painted."""
        return self.square or self.model.module.config.side

    @cached_property
    def module(self) -> Outpainter:
        """The network, for hosts that move it between devices.

        Raises `BadInput` when its LoRA file is missing, damaged, or another network's.
        """
        network = self.model.module
        return with_low_rank(network, read_state(Path(self.lora))).requires_grad_(False) if self.lora else network

    @property
    def bytes(self) -> int:
        """Size of the network, bytes, for hosts that reserve memory for it."""
        return 4 * sum(parameter.numel() for parameter in self.module.parameters())

    def paint(
        self, inputs: PainterInput, *, prompt: str = "", seed: int = 0, progress: Progress
    ) -> tuple[Tensor, Tensor]:
        """Picture [1,3,S,S] on white and alpha [1,1,S,S], both 0-1; reproducible for a seed on one device.

        The network paints the object blended with white by its alpha. Its own colours, without the white, are mixed
        with the nearest seen colours; its card holds the fraction of each.
        """
        colors = continued(inputs.images, inputs.seen > 0.5)
        condition = make_condition(colors, inputs.seen, inputs.masks, inputs.depth, inputs.normals, inputs.focal)
        network, generator = self.module, torch.Generator().manual_seed(seed)
        steps = self.steps or network.config.steps
        progress.start("Paint the unseen part", steps)

        def show(picture: Tensor) -> None:
            progress.step(lambda: (picture[0, :3].float().cpu() + 1) / 2)

        try:
            sample = network.to(self.device).sample(condition.to(self.device), generator, steps, progress.check, show)
        finally:
            network.to("cpu")
        picture, alpha = ((sample.float().cpu() + 1) / 2).split((3, 1), 1)
        own_colors = 1 - (1 - picture) / alpha.clamp_min(MIN_ALPHA)
        mixed = picture + (1 - network.config.own_color) * alpha * (nearest_colors(inputs) - own_colors)
        return torch.where(inputs.masks > 0.5, mixed.clamp(0, 1), picture), alpha


def load_embedded_painter(
    name: str | None = None,
    folders: Sequence[Path] = (),
    *,
    device: torch.device | str = "cpu",
    steps: int | None = None,
    square: int | None = None,
) -> EmbeddedPainter:
    """The embedded outpainter, or one by name or path of its .safetensors file (None: the first there is).

    Raises `BadInput` when there is none.
    """
    return EmbeddedPainter(load_model(locate_outpainter(name, folders), folders), device, steps, square)
