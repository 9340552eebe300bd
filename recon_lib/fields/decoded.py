"""A field that a network answers point by point."""

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.contracts import PointDecoder
from .interpolated import InterpolatedValues

# of the network's picture: the thinnest part that it knows. Features have half its resolution, and at 2 some islands
# of cells go
FEATURE_PIXELS = 1.5
BUMP_PIXELS = 8.0  # steps and seams of the answers are up to about so long


@dataclass(frozen=True)
class DecodedField:
    """The shape behind a visible surface, as a point decoder answers; values are logits above its threshold.

    A `field.InterpolableField`: the decoder holds nothing finer than a pixel of its picture.
    """

    decoder: PointDecoder  # its tensors on the CPU
    world_to_decoder: Tensor  # [4,4] a similarity
    bounds: Tensor  # [2,3] world
    has_color: bool = False
    min_feature_size: float = 0.0  # world units: `FEATURE_PIXELS`; 0: not known
    values: InterpolatedValues | None = None  # in place of the decoder's own, which is asked at a lattice's nodes alone

    @property
    def module(self) -> nn.Module:
        """Whose weights answer; hosts move it between devices."""
        return self.decoder.module

    @property
    def detail(self) -> float:
        """World units: the width of a pixel."""
        return self.min_feature_size / FEATURE_PIXELS

    @property
    def bumps(self) -> float:
        """World units, see `Field`."""
        return BUMP_PIXELS * self.detail

    @property
    def asked(self) -> int:
        return 0 if self.values is None else self.values.asked

    def interpolated(self, lower: Tensor, step: Tensor, cells: Tensor) -> "DecodedField":
        return replace(self, values=InterpolatedValues(self.inside, lower, step, cells))

    @torch.no_grad()
    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N], > 0 inside, on the points' device."""
        if self.values is not None:
            return self.values(points)
        decoder, matrix = move(self.decoder, points.device), self.world_to_decoder.to(points)
        if next(self.module.parameters(), points).device != points.device:  # `to` walks all modules: slow for nothing
            self.module.to(points.device)
        return decoder.query((points @ matrix[:3, :3].T + matrix[:3, 3])[None])[0]

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """The network predicts no colour."""
        raise NotImplementedError("A decoded shape has no colour; bake a texture from its views.")


def move(value: Any, device: torch.device | str) -> Any:
    """Every tensor in nested dataclasses and tuples, on `device`; other values as they are."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        return tuple(move(part, device) for part in value)
    if is_dataclass(value):
        return type(value)(**{f.name: move(getattr(value, f.name), device) for f in fields(value)})
    return value
