"""Pixels of posed views for the radiance fit: with their cones, their depth in the world, and pairs to rank."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ....progress import unchecked
from ....render.cones import ConeBundle, pixel_spread
from ....views.views import Views
from ..rays import PixelRays, covers_all
from ..sdf_grid.settings import Trust

REACH = 8  # pixels between the two of a pair, at most, along each axis
SAMPLE_HASH = 1_000_003  # keeps the random numbers of neighbouring seeds apart


@dataclass(frozen=True)
class RadianceRays(PixelRays, ConeBundle):
    """Rays of M pixels with their cones. The background of a scene without masks is black."""

    distance: Tensor  # [M] along the ray, world units, by the views' depth; 0 where there is none

    @classmethod
    def of(
        cls, views: Views, trust: Trust, check: Callable[[], None] = unchecked, whole: bool = True
    ) -> "RadianceRays":
        """All pixels of all views, view by view and row by row, on the CPU."""
        pixels = PixelRays.of(views, trust, check, whole)
        layers = {field.name: getattr(pixels, field.name) for field in fields(pixels)}
        if covers_all(views):
            layers["background"] = torch.zeros_like(pixels.background)
        depth = torch.zeros_like(views.masks) if views.depth is None else views.depth
        distance = depth.reshape(-1).float() * pixels.depth_known / pixels.cos_axis.clamp_min(1e-6)
        return cls(**layers, spread=pixel_spread(views.cameras), distance=distance)


def pick_pixels(candidates: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the candidates [N], at random with repetition."""
    return candidates[torch.randint(len(candidates), (count,), generator=generator)]


def with_neighbours(pixels: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """The pixels [P], by their numbers, then for each of them one near it in the same view: [2P].

    Estimated depth has a true order near by, where its bends do not matter (SparseNeRF ranks within patches).
    """
    view, place = pixels // (height * width), pixels % (height * width)
    shift = torch.randint(-REACH, REACH + 1, (2, len(pixels)), generator=generator)
    y = (place // width + shift[0]).clamp(0, height - 1)
    x = (place % width + shift[1]).clamp(0, width - 1)
    return torch.cat([pixels, (view * height + y) * width + x])
