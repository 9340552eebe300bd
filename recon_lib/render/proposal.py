"""Proposal sampling of unbounded rays (Barron et al. 2022, "Mip-NeRF 360", section 3).

A coarse field of densities says where along a ray the fine field is worth asking. Distances are normalised so that
samples are even in disparity from `near` to `far` (equation 11).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fields.field import RadianceField
from .rays import RayBundle, RaySamples
from .volume import interval_weights

EVEN = 1e-2  # added to a ray's weights, in total, so that no part of it is never looked at


@dataclass(frozen=True)
class Proposal:
    """What the coarse field says of R rays, and the intervals that follow from it. Edges are normalised, 0-1."""

    coarse: Tensor  # [R,C+1] ascending edges of the coarse intervals
    weights: Tensor  # [R,C] of the coarse field in these, differentiable
    fine: Tensor  # [R,S+1] ascending edges of the intervals to be rendered
    samples: RaySamples  # of these, [R,S]


@dataclass(frozen=True)
class ProposalSampler:
    """`fine` intervals a ray, drawn by the weights that a coarse field has in `coarse` even ones."""

    proposal: RadianceField
    near: float  # world units, > 0
    far: float
    coarse: int = 64
    fine: int = 32

    @torch.no_grad()
    def __call__(self, field: RadianceField, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """The middles of the fine intervals."""
        return self.propose(rays, generator).samples

    def propose(self, rays: RayBundle, generator: torch.Generator | None = None) -> Proposal:
        """Both sets of intervals; the coarse weights are differentiable in the proposal's parameters."""
        even = torch.linspace(0, 1, self.coarse + 1, device=rays.origins.device).expand(len(rays), -1)
        if generator is not None:  # one shift a ray keeps the intervals even
            shift = torch.rand((len(rays), 1), generator=generator).to(even) - 0.5
            even = (even + shift / self.coarse).clamp(0, 1)
            even = torch.cat([torch.zeros_like(shift), even[:, 1:-1], torch.ones_like(shift)], -1)
        samples = self._samples(even)
        density = self.proposal.density(rays.at(samples.t).reshape(-1, 3)).view(samples.t.shape)
        weights, _ = interval_weights(density * samples.length)
        with torch.no_grad():
            fine = resampled(even, weights.detach() + EVEN / self.coarse, self.fine, generator)
        return Proposal(even, weights, fine, self._samples(fine))

    def distance(self, normalised: Tensor) -> Tensor:
        """World distances of normalised ones, 0-1."""
        return 1 / ((1 - normalised) / self.near + normalised / self.far)

    def _samples(self, edges: Tensor) -> RaySamples:
        t = self.distance(edges)
        return RaySamples((t[:, 1:] + t[:, :-1]) / 2, t[:, 1:] - t[:, :-1])


def resampled(edges: Tensor, weights: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """`count` intervals that share the weight evenly: edges [R,count+1] from edges [R,C+1] and weights [R,C] > 0."""
    total = torch.cat([torch.zeros_like(weights[:, :1]), weights.cumsum(-1)], -1)
    total = total / total[:, -1:]
    u = torch.linspace(0, 1, count + 1, device=edges.device).expand(len(edges), -1)
    if generator is not None:
        shift = torch.rand((len(edges), 1), generator=generator).to(u) - 0.5
        u = torch.cat([u[:, :1], u[:, 1:-1] + shift / count, u[:, -1:]], -1)
    index = torch.searchsorted(total.contiguous(), u.contiguous(), right=True).clamp(1, weights.shape[1])
    low, high = total.gather(1, index - 1), total.gather(1, index)
    fraction = ((u - low) / (high - low).clamp_min(1e-9)).clamp(0, 1)
    first, last = edges.gather(1, index - 1), edges.gather(1, index)
    return first + fraction * (last - first)
