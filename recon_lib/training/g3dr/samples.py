"""Where rays are asked in training: evenly through the box, and again where that finds something, or around a depth."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...fields.triplane import TriplaneField
from ...render.proposal import resampled
from ...render.rays import RayBundle, RaySamples
from ...render.volume import interval_weights

NEAR_DEPTH = 0.05  # half sides of the box, to either side of a given depth
EVEN = 1e-2  # weight spread over a ray's intervals, so that no part of it is never looked at
SHORTEST = 1e-4  # of rays through the box, world units: others get as much, and see next to nothing


@dataclass(frozen=True)
class BoxSampler:
    """`coarse` stratified samples within the box, then `fine` by their weights, or around `depth` where it is known."""

    coarse: int
    fine: int
    depth: Tensor | None = None  # [R] along the rays, 0 = unknown
    reach: float = NEAR_DEPTH  # world units

    @torch.no_grad()
    def __call__(self, field: TriplaneField, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        start, end = field.span(rays.origins, rays.directions)
        end = torch.maximum(end, start + SHORTEST)
        edges = start[:, None] + torch.linspace(0, 1, self.coarse + 1).to(start) * (end - start)[:, None]
        width = edges[:, 1:] - edges[:, :-1]
        coarse = edges[:, :-1] + width * _uniform((len(rays), self.coarse), edges, generator)
        density = field.density(rays.at(coarse).reshape(-1, 3)).view(coarse.shape)
        weights, _ = interval_weights(density * width)
        finer = resampled(edges, weights + EVEN / self.coarse, self.fine, generator)
        finer = (finer[:, 1:] + finer[:, :-1]) / 2
        if self.depth is not None:
            around = self.depth[:, None] + self.reach * (2 * _uniform(finer.shape, finer, generator) - 1)
            around = torch.maximum(torch.minimum(around, end[:, None]), start[:, None])
            finer = torch.where(self.depth[:, None] > 0, around, finer)
        t = torch.cat([coarse, finer], -1).sort(-1)[0]
        between = torch.cat([start[:, None], (t[:, 1:] + t[:, :-1]) / 2, end[:, None]], -1)
        return RaySamples(t, (between[:, 1:] - between[:, :-1]).clamp_min(1e-7))


def _uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Numbers in 0-1: random with a generator, else the middle."""
    if generator is None:
        return like.new_full(shape, 0.5)
    return torch.rand(shape, generator=generator).to(like)
