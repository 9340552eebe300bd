"""Even samples where something is and light still gets there, told by densities on a lattice.

Rays skip what is empty, as with an occupancy grid (Müller et al. 2022, appendix E.2), and end where they are opaque.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..fields.field import Field, RadianceField
from ..memory import default_chunk, in_chunks
from ..progress import unchecked
from .rays import RayBundle, RaySamples
from .stratified import box_ends

NODES = 96  # of the lattice along the longest side
EMPTY = 3e-4  # optical depth of a step below which there is nothing
FAINT = 5e-3  # fraction of the light below which a ray ends
LONGEST_MARCH = 1024  # steps


@dataclass(frozen=True)
class OccupiedSampler:
    """One sample a step in occupied parts of the bounds: its middle, or a random point with a generator."""

    density: Tensor  # [X,Y,Z] per world unit, at nodes from the lower to the upper corner of `bounds`
    least: Tensor  # [X,Y,Z] least density of the nodes and their neighbours
    occupied: Tensor  # [X,Y,Z] bool, of the nodes and their neighbours
    bounds: Tensor  # [2,3] world
    step: float  # world units
    most: int = 64  # samples on a ray, at most

    @classmethod
    def of_density(cls, density: Tensor, bounds: Tensor, step: float, most: int = 64) -> "OccupiedSampler":
        """The sampler of densities [X,Y,Z] at nodes."""
        filled = (density * step > EMPTY).float()
        near = F.max_pool3d(filled[None, None], 3, 1, 1)[0, 0] > 0
        least = -F.max_pool3d(-density[None, None], 3, 1, 1)[0, 0]
        return cls(density, least, near, bounds.to(density), step, most)

    @classmethod
    @torch.no_grad()
    def of(
        cls, field: RadianceField, nodes: int = NODES, most: int = 128, check: Callable[[], None] = unchecked
    ) -> "OccupiedSampler":
        """The sampler of any radiance field; parts thinner than a cell of the lattice may be missed."""
        low, high = field.bounds.float().cpu()
        spacing = float((high - low).max()) / (nodes - 1)
        counts = [max(2, round(float(side) / spacing) + 1) for side in high - low]
        axes = [torch.linspace(float(a), float(b), n) for a, b, n in zip(low, high, counts, strict=True)]
        points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
        density = in_chunks(lambda p: field.density(p).float(), points.view(-1, 3), default_chunk("cpu"), check)
        return cls.of_density(density.view(points.shape[:3]), field.bounds.float().cpu(), spacing / 2, most)

    @torch.no_grad()
    def __call__(self, field: Field, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """As many samples [R,S] as the ray with most of them needs, at most `most`."""
        start, end = box_ends(rays, self.bounds)
        steps = int(((end - start).clamp_min(0).amax() / self.step).ceil().clamp(1, LONGEST_MARCH))
        offset = torch.full_like(start, 0.5)
        if generator is not None:
            offset = torch.rand(offset.shape, generator=generator).to(start)
        t = start[:, None] + (torch.arange(steps, device=start.device) + offset[:, None]) * self.step
        nodes = self._nodes(rays, t)
        depth = self.least.view(-1)[nodes] * self.step  # no less between nodes: else rays would end before the rim
        seen = (depth - depth.cumsum(-1)).exp() > FAINT
        kept = seen & (t < end[:, None]) & self.occupied.view(-1)[nodes]
        return self._packed(t, kept)

    def _packed(self, t: Tensor, kept: Tensor) -> RaySamples:
        """The kept samples of each ray, first of all, and padding."""
        slot = kept.cumsum(-1)
        count = int(slot[:, -1].amax().clamp(1, self.most))
        ray, index = (kept & (slot <= count)).nonzero(as_tuple=True)
        packed = t.new_zeros(len(t), count)
        length = torch.zeros_like(packed)
        at = (ray, slot[ray, index] - 1)
        packed[at], length[at] = t[ray, index], self.step
        last = packed.cummax(-1)[0]  # padding stands at the last sample, so that they ascend
        return RaySamples(last, length)

    def _nodes(self, rays: RayBundle, t: Tensor) -> Tensor:
        """Numbers [R,S] of the nodes next to the points at distances t [R,S] along rays."""
        sides = self.density.shape
        low, high = self.bounds.to(t)
        scale = t.new_tensor([side - 1 for side in sides]) / (high - low)
        first, way = (rays.origins - low) * scale + 0.5, rays.directions * scale
        numbers = torch.zeros_like(t, dtype=torch.int32)
        for axis, side in enumerate(sides):  # axis by axis: points [R,S,3] would be most of a march's time
            place = torch.addcmul(first[:, axis, None], t, way[:, axis, None]).clamp_(0, side - 1)
            numbers.mul_(side).add_(place.int())
        return numbers.long()
