"""A field that a network answers point by point."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.zeroshape_w.visible_points import Normalization


@dataclass(frozen=True)
class DecodedField:
    """The occupancy that a shape network predicts behind a visible surface; values are logits minus `threshold`."""

    module: nn.Module  # has query(points [1,N,3] in the normalised frame, surface, threshold) -> logits [1,N]
    surface: Any  # the network's own `SeenSurface`, on the CPU
    world_to_camera: Tensor  # [4,4], world units
    normalization: Normalization  # camera frame -> normalised frame
    bounds: Tensor  # [2,3] world
    threshold: float = 0.0  # the surface's logit
    has_color: bool = False
    min_feature_size: float = (
        0.0  # world units; parts thinner than this are none, such as what is less than a pixel wide
    )

    @torch.no_grad()
    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> logits above the threshold [N], on the points' device."""
        surface = move(self.surface, points.device)
        pose = self.world_to_camera.to(points)
        camera = points @ pose[:3, :3].T + pose[:3, 3]
        normalized = move(self.normalization, points.device).to_normalized(camera[None])
        if next(self.module.parameters(), points).device != points.device:  # `to` walks all modules: slow for nothing
            self.module.to(points.device)
        return self.module.query(normalized, surface, self.threshold)[0] - self.threshold

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """The network predicts no colour."""
        raise NotImplementedError("A decoded shape has no colour; bake a texture from its views.")


def move(value: Any, device: torch.device | str) -> Any:
    """Every tensor in nested dataclasses and tuples, on `device`; other values as they are."""
    from dataclasses import fields, is_dataclass

    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        return tuple(move(part, device) for part in value)
    if is_dataclass(value):
        return type(value)(**{f.name: move(getattr(value, f.name), device) for f in fields(value)})
    return value
