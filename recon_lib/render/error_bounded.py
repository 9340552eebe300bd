"""Samples along rays that keep the opacity's error below a bound (Yariv et al. 2021, section 3.3, algorithm 1).

Rays are refined where Theorem 1 bounds the error worst, with the smallest density width for which the bound holds,
until that is the field's own. The last samples are drawn by the weights that the rays then have.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fields.field import DistanceField
from ..networks.volsdf.density import laplace_density
from .rays import RayBundle, RaySamples
from .volume import interval_weights

LARGEST_ERROR = 1e6
EVEN = 1e-5  # added to the weights that samples are drawn by
NARROW = 1e-5  # fractions below which an interval is taken as a point


@dataclass(frozen=True)
class ErrorBoundedSampler:
    """VolSDF's numbers for single objects: 98 samples a ray."""

    samples: int = 64  # by the weights
    uniform: int = 128  # at the start, and added in each round
    extra: int = 32  # of all that were evaluated
    error: float = 0.1
    bisections: int = 10
    rounds: int = 5
    far: float = 6.0  # end of the rays, world units: the diameter of VolSDF's scene

    @torch.no_grad()
    def __call__(self, field: DistanceField, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """[R, samples + extra + 2] of them, the rays' origins and `far` among them; the last is endless."""

        def distance(t: Tensor) -> Tensor:
            return -field.inside(rays.at(t).view(-1, 3)).view(t.shape)

        beta = torch.as_tensor(field.beta).detach().to(rays.origins)
        t = self._uniform(rays.origins, generator)
        d = distance(t)
        length = t[:, 1:] - t[:, :-1]
        width = (length.square().sum(-1) / (4 * torch.log1p(t.new_tensor(self.error)))).sqrt()  # lemma 2
        for count in range(1, self.rounds + 1):
            bound = _Bound(d, t)
            width = self._smallest_width(bound, width, beta)
            if count == self.rounds or not width.max() > beta:
                break
            added = inverse_cumulative(t, bound.worst(width[:, None]), self.uniform, None)
            t, order = torch.cat([t, added], -1).sort(-1)
            d = torch.cat([d, distance(added)], -1).gather(1, order)
        length = RaySamples.before_opaque(t).length
        weights, _ = interval_weights(length * laplace_density(d, width[:, None]))
        drawn = inverse_cumulative(t, weights[:, :-1] + EVEN, self.samples, generator)
        return RaySamples.before_opaque(torch.cat([drawn, self._extra(t, generator)], -1).sort(-1)[0])

    def _uniform(self, origins: Tensor, generator: torch.Generator | None) -> Tensor:
        t = torch.linspace(0, 1, self.uniform, device=origins.device).expand(len(origins), -1) * self.far
        if generator is None:
            return t
        middle = (t[:, 1:] + t[:, :-1]) / 2
        low, high = torch.cat([t[:, :1], middle], -1), torch.cat([middle, t[:, -1:]], -1)
        return low + (high - low) * torch.rand(t.shape, generator=generator).to(t)

    def _extra(self, t: Tensor, generator: torch.Generator | None) -> Tensor:
        count = t.shape[1]
        if generator is None:
            chosen = torch.linspace(0, count - 1, self.extra, device=t.device).long()
        else:
            chosen = torch.randperm(count, generator=generator)[: self.extra].to(t.device)
        ends = t.new_tensor([0.0, self.far]).expand(len(t), 2)
        return torch.cat([ends, t[:, chosen]], -1)

    def _smallest_width(self, bound: "_Bound", width: Tensor, beta: Tensor) -> Tensor:
        """Smallest width of each ray [R] that keeps its error bound, by bisection."""
        high = torch.where(bound.error(beta) <= self.error, beta, width)
        low = beta.expand_as(high)
        for _ in range(self.bisections):
            middle = (low + high) / 2
            fits = bound.error(middle[:, None]) <= self.error
            low, high = torch.where(fits, low, middle), torch.where(fits, middle, high)
        return high


class _Bound:
    """Theorem 1: how wrong the opacity of rays with distances d [R,S] at t [R,S] can be."""

    def __init__(self, d: Tensor, t: Tensor) -> None:
        self.d, self.t = d, t
        self.length = t[:, 1:] - t[:, :-1]
        self.least = least_distance(self.length, d[:, :-1], d[:, 1:])

    def worst(self, beta: Tensor) -> Tensor:
        """Error of the opacity at the end of each interval [R,S-1], at most."""
        section = torch.exp(-self.least / beta) * self.length.square() / (4 * beta.square())
        error = section.cumsum(-1).exp().clamp_max(LARGEST_ERROR) - 1
        depth = self.length * laplace_density(self.d[:, :-1], beta)
        before = torch.cat([torch.zeros_like(depth[:, :1]), depth], -1)[:, :-1].cumsum(-1)
        return error * torch.exp(-before)

    def error(self, beta: Tensor) -> Tensor:
        """The largest of them on each ray [R]."""
        return self.worst(beta).amax(-1)


def least_distance(length: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The least distance to the surface that an interval can come to, whose ends have signed distances [R,S] each.

    By the balls around its ends that are free of surface (equation 14): zero where the ends differ in sign.
    """
    b, c = first.abs(), second.abs()
    half = (length + b + c) / 2
    area = (half * (half - length) * (half - b) * (half - c)).clamp_min(0).sqrt()
    height = torch.where(b + c - length > 0, 2 * area / length, torch.zeros_like(b))
    height = torch.where(length.square() + c.square() <= b.square(), c, height)
    height = torch.where(length.square() + b.square() <= c.square(), b, height)
    return torch.where(first.sign() * second.sign() == 1, height, torch.zeros_like(b))


def inverse_cumulative(t: Tensor, weights: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """`count` distances along each ray, distributed like the weights [R,S-1] of the intervals between t [R,S].

    Evenly spread in the distribution, ends included; with a generator at random.
    """
    pdf = weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    cumulative = torch.cat([torch.zeros_like(pdf[:, :1]), pdf.cumsum(-1)], -1)
    if generator is None:
        u = torch.linspace(0, 1, count, device=t.device).expand(len(t), -1)
    else:
        u = torch.rand(len(t), count, generator=generator).to(t)
    above = torch.searchsorted(cumulative, u.contiguous(), right=True)
    below, above = (above - 1).clamp_min(0), above.clamp_max(cumulative.shape[1] - 1)
    low, high = cumulative.gather(1, below), cumulative.gather(1, above)
    span = torch.where(high - low < NARROW, torch.ones_like(low), high - low)
    start = t.gather(1, below)
    return start + (u - low) / span * (t.gather(1, above) - start)
