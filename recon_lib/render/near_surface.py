"""Samples where rays need them: around their first crossing of a surface, or where they come nearest to it.

VolSDF's density is negligible a few betas outside and opaque a few betas inside, so the samples of a ray can all lie in
a short segment. Sphere tracing finds it, without gradients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fields.field import DistanceField, Field
from .rays import RayBundle, RaySamples
from .stratified import box_ends

STEP = 0.95  # of the distance: fitted distances may be a little too long
LONGEST = 0.125  # of the box's side: how far a ray goes at once
OUTSIDE, INSIDE = 3.2, 4.5  # betas before and behind the surface between which samples lie
JITTER = 0.8  # of the spacing between samples
MAX_SLOPE, MIN_SLOPE, MISSED = 1.0, 0.25, 0.35  # distance lost per length of ray: at most, at least, on rays that miss
TRACE_STEPS = 24


@dataclass(frozen=True)
class Nearest:
    """The point of each of R rays where it first meets the surface, or else where it comes nearest."""

    t: Tensor  # [R] distance along the ray
    gap: Tensor  # [R] distance from the surface there, >= 0; infinite where the ray misses the box
    hit: Tensor  # [R] bool

    def __getitem__(self, rows: Tensor) -> "Nearest":
        return Nearest(self.t[rows], self.gap[rows], self.hit[rows])


@torch.no_grad()
def nearest_surface(field: Field, rays: RayBundle, tolerance: float, steps: int = TRACE_STEPS) -> Nearest:
    """Sphere trace rays through a field whose `inside` is minus the signed distance (Hart 1996).

    tolerance: world units; a ray that comes so near hits. Steps are signed, so a ray that overshot comes back.
    """
    start, end = box_ends(rays, field.bounds)
    longest = LONGEST * float((field.bounds[1] - field.bounds[0]).max())
    t, nearest, gap = start.clone(), start.clone(), torch.full_like(start, float("inf"))
    hit = torch.zeros_like(start, dtype=torch.bool)
    live = (start < end).nonzero().flatten()
    for _ in range(steps):
        if not len(live):
            break
        t_live = t[live]
        distance = -field.inside(rays.origins[live] + t_live[:, None] * rays.directions[live])
        closer = distance.abs() < gap[live]
        better = live[closer]
        gap[better], nearest[better] = distance.abs()[closer], t_live[closer]
        done = distance.abs() < tolerance
        hit[live[done]] = True
        ahead = t_live + (STEP * distance).clamp(-longest, longest)
        t[live] = ahead
        live = live[~done & (ahead < end[live]) & (ahead > start[live] - tolerance)]
    return Nearest(nearest, gap, hit)


@dataclass(frozen=True)
class NearSurfaceSampler:
    """A few samples a ray, from before the surface to where VolSDF's density is opaque.

    Evenly spread on either side of the surface, with a generator at random within their intervals. The flatter a ray
    meets the surface, the longer the segment.
    """

    spacing: float  # world units over which the slope of the distance is measured; a grid's spacing
    samples: int = 8
    tolerance: float = 0.1  # spacings; rays that come so near hit

    def __call__(self, field: DistanceField, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """Trace the rays and lay their samples; nothing is opaque on rays that miss."""
        return self.around(field, rays, self.trace(field, rays), generator)

    def trace(self, field: DistanceField, rays: RayBundle) -> Nearest:
        """Where the rays meet the surface."""
        return nearest_surface(field, rays, self.tolerance * self.spacing)

    @torch.no_grad()
    def around(
        self, field: DistanceField, rays: RayBundle, nearest: Nearest, generator: torch.Generator | None = None
    ) -> RaySamples:
        """Samples around the points that `trace` gave."""
        before, after = (-field.inside(rays.at(nearest.t + s * self.spacing / 2)) for s in (-1, 1))
        slope = ((before - after) / self.spacing).abs().clamp(MIN_SLOPE, MAX_SLOPE)
        slope = torch.where(nearest.hit, slope, MISSED)
        u = torch.linspace(-1, 1, self.samples, device=nearest.t.device).expand(len(rays), -1)
        if generator is not None:
            noise = torch.rand(u.shape, generator=generator).to(u) - 0.5
            u = u + noise * (JITTER * 2 / max(self.samples - 1, 1))
        betas = torch.where(u < 0, OUTSIDE * u, INSIDE * u)
        t = nearest.t[:, None] + betas * (field.beta / slope)[:, None]
        return RaySamples.before_opaque(t.clamp_min(1e-3 * self.spacing).sort(-1)[0], nearest.hit)


@dataclass(frozen=True)
class SurfaceSampler:
    """One opaque sample where a ray meets the surface, none where it misses: for quick pictures."""

    tolerance: float  # world units

    def __call__(self, field: DistanceField, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """The same samples whatever the generator."""
        nearest = nearest_surface(field, rays, self.tolerance)
        return RaySamples.before_opaque(nearest.t[:, None], nearest.hit)
