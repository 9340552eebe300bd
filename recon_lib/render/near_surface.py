"""Where rays need samples: near their first crossing of a surface, or where they come nearest to it.

VolSDF's density is negligible a few betas outside and opaque a few betas inside, so the samples of a ray can all lie in
a short segment. The segment is found without gradients by sphere tracing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

STEP = 0.95  # of the distance: fitted distances may be a little too long
LONGEST = 0.125  # of the box's side: how far a ray goes at once
OUTSIDE, INSIDE = 3.2, 4.5  # betas before and behind the surface between which samples lie
JITTER = 0.8  # of the spacing between samples
MAX_SLOPE, MIN_SLOPE, MISSED = 1.0, 0.25, 0.35  # distance lost per length of ray: at most, at least, on rays that miss

Distance = Callable[[Tensor], Tensor]  # points [N,3] -> signed distances [N], > 0 outside


@dataclass(frozen=True)
class Nearest:
    """The place of each of R rays where it first meets the surface, or else where it comes nearest."""

    t: Tensor  # [R] distance along the ray
    gap: Tensor  # [R] distance from the surface there, >= 0; infinite where the ray misses the box
    hit: Tensor  # [R] bool


def box_ends(origins: Tensor, directions: Tensor, bounds: Tensor) -> tuple[Tensor, Tensor]:
    """Where rays [R,3] enter and leave the box [2,3]: distances [R] each, near >= far where they miss it."""
    safe = torch.where(directions.abs() < 1e-9, 1e-9, directions)
    a, b = (bounds[0] - origins) / safe, (bounds[1] - origins) / safe
    return torch.minimum(a, b).amax(-1).clamp_min(0), torch.maximum(a, b).amin(-1)


@torch.no_grad()
def nearest_surface(
    distance: Distance,
    origins: Tensor,  # [R,3]
    directions: Tensor,  # [R,3] unit
    bounds: Tensor,  # [2,3] the box in which to look
    tolerance: float,  # world units: a ray hits where it comes so near
    steps: int = 24,
) -> Nearest:
    """Sphere trace rays (Hart 1996). Steps are signed, so a ray that overshot comes back."""
    near, far = box_ends(origins, directions, bounds)
    longest = LONGEST * float((bounds[1] - bounds[0]).max())
    t, place, gap = near.clone(), near.clone(), torch.full_like(near, float("inf"))
    hit = torch.zeros_like(near, dtype=torch.bool)
    live = (near < far).nonzero().flatten()
    for _ in range(steps):
        if not len(live):
            break
        at = t[live]
        d = distance(origins[live] + at[:, None] * directions[live])
        closer = d.abs() < gap[live]
        better = live[closer]
        gap[better], place[better] = d.abs()[closer], at[closer]
        done = d.abs() < tolerance
        hit[live[done]] = True
        ahead = at + (STEP * d).clamp(-longest, longest)
        t[live] = ahead
        live = live[~done & (ahead < far[live]) & (ahead > near[live] - tolerance)]
    return Nearest(place, gap, hit)


@torch.no_grad()
def surface_samples(
    distance: Distance,
    origins: Tensor,  # [R,3]
    directions: Tensor,  # [R,3] unit
    found: Nearest,
    beta: float,
    count: int,
    spacing: float,  # world units over which the slope of the distance is measured
    generator: torch.Generator | None = None,
) -> Tensor:
    """`count` ascending places along each ray [R,count], from before the surface to where the density is opaque.

    Evenly spread on either side, at random within their shares when a generator is given. The flatter a ray meets the
    surface, the longer the segment.
    """
    before, behind = (origins + (found.t + s * spacing / 2)[:, None] * directions for s in (-1, 1))
    slope = ((distance(before) - distance(behind)) / spacing).abs().clamp(MIN_SLOPE, MAX_SLOPE)
    slope = torch.where(found.hit, slope, MISSED)
    u = torch.linspace(-1, 1, count, device=origins.device).expand(len(origins), -1)
    if generator is not None:
        noise = torch.rand(u.shape, generator=generator).to(u) - 0.5
        u = u + noise * (JITTER * 2 / max(count - 1, 1))
    betas = torch.where(u < 0, OUTSIDE * u, INSIDE * u)
    return (found.t[:, None] + betas * (beta / slope)[:, None]).clamp_min(1e-3 * spacing).sort(-1)[0]
