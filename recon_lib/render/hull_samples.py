"""Samples between the first and the last point of a ray that lie in a visual hull."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..fields.field import RadianceField
from .rays import RayBundle, RaySamples
from .stratified import StratifiedSampler


class HullBounded(RadianceField, Protocol):
    """A field that is empty outside a visual hull."""

    def in_hull(self, points: Tensor) -> Tensor:
        """Whether points [N,3] lie in the hull, [N] bool."""
        ...


@dataclass(frozen=True)
class HullSampler:
    """Equal segments from where a ray enters the hull to where it leaves it for good; those in gaps are padding.

    The ends are found at `probes` even steps through the field's bounds, and lie half a step outside.
    """

    samples: int = 12
    probes: int = 32

    @torch.no_grad()
    def __call__(self, field: HullBounded, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """One sample in each segment: its middle, or a random point of it with a generator."""
        probes = StratifiedSampler(self.probes)(field, rays)
        hit = self._in_hull(field, rays, probes)
        step = probes.length[:, :1]
        start = torch.where(hit, probes.t, torch.inf).amin(1, keepdim=True) - step / 2
        end = torch.where(hit, probes.t, -torch.inf).amax(1, keepdim=True) + step / 2
        met = hit.any(1, keepdim=True)
        start, end = torch.where(met, start, 0.0), torch.where(met, end, 0.0)
        length = ((end - start) / self.samples).expand(-1, self.samples)
        fraction = torch.full_like(length, 0.5)
        if generator is not None:
            fraction = torch.rand(fraction.shape, generator=generator).to(fraction)
        index = torch.arange(self.samples, device=length.device)
        samples = RaySamples(start + (index + fraction) * length, length)
        return RaySamples(samples.t, torch.where(self._in_hull(field, rays, samples), length, 0.0))

    @staticmethod
    def _in_hull(field: HullBounded, rays: RayBundle, samples: RaySamples) -> Tensor:
        """[R,S] bool; padding is not asked."""
        hit = samples.length > 0
        hit[hit.clone()] = field.in_hull(rays.at(samples.t)[hit])
        return hit
