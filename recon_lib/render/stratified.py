"""Stratified samples: rays cut into equal segments within the field's bounds (Mildenhall et al. 2020, equation 2)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fields.field import Field
from .rays import RayBundle, RaySamples


@dataclass(frozen=True)
class StratifiedSampler:
    """One sample in each of so many equal segments: its middle, or a random point of it with a generator."""

    samples: int = 128

    @torch.no_grad()
    def __call__(self, field: Field, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """Rays beside the bounds get padding alone."""
        start, end = box_ends(rays, field.bounds)
        length = ((end - start).clamp_min(0) / self.samples)[:, None]
        fraction = torch.full((len(rays), self.samples), 0.5, device=start.device)
        if generator is not None:
            fraction = torch.rand(fraction.shape, generator=generator).to(start)
        index = torch.arange(self.samples, device=start.device)
        return RaySamples(start[:, None] + (index + fraction) * length, length.expand_as(fraction))


def box_ends(rays: RayBundle, bounds: Tensor) -> tuple[Tensor, Tensor]:
    """Distances [R] at which rays enter and leave the box [2,3]; start >= end where they miss it (slab test)."""
    bounds = bounds.to(rays.origins)
    safe = torch.where(rays.directions.abs() < 1e-9, 1e-9, rays.directions)
    a, b = (bounds[0] - rays.origins) / safe, (bounds[1] - rays.origins) / safe
    return torch.minimum(a, b).amax(-1).clamp_min(0), torch.maximum(a, b).amin(-1)
