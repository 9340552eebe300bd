"""A radiance field that three planes hold (Chan et al., CVPR 2022, "EG3D"), read at several resolutions (G3DR)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_shape
from ..networks.g3dr.decoder import TriplaneDecoder
from ..networks.g3dr.triplanes import KnotPlanes
from .decoded import move
from .field import Radiance

SHIFT = 1.0  # densities are softplus(sigma - 1)
LEAST = 1e-6  # of densities over that of the surface, where their logarithm is taken
FAR_BELOW = -15.0  # of softplus's argument, whose logarithm is the argument itself below
BEHIND_EYE = 1e-6  # of the projective coordinate: what is not before the camera is outside


@dataclass(frozen=True)
class TriplaneField:
    """Density and colour of triplanes in a box; the surface lies where the density is `level`. No view directions."""

    module: TriplaneDecoder  # called module so that hosts can take it off the device
    planes: KnotPlanes  # one object's, through the decoder's first layer
    world_to_planes: Tensor  # [4,4] projective, -1..1 in the box; densities are 0 outside
    bounds: Tensor  # [2,3] world, around the box
    scale: float  # of densities: softplus(sigma - 1) times this is per world unit
    level: float  # density of the surface, per world unit
    min_feature_size: float = 0.0  # world units; no part is thinner
    has_color: bool = True

    @torch.no_grad()
    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> logarithm of the density over that of the surface [N]."""
        return self.log_ratio(points).clamp_min(math.log(LEAST))

    def log_ratio(self, points: Tensor) -> Tensor:
        """The same without a bound below, differentiable in planes and decoder; outside of the box -inf."""
        read, within = self._read(points)
        sigma = self.module.sigma(read) - SHIFT
        log_density = torch.where(sigma > FAR_BELOW, F.softplus(sigma.clamp_min(FAR_BELOW)).log(), sigma)
        return torch.where(within, log_density + math.log(self.scale / self.level), -torch.inf)

    def density(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N] per world unit."""
        read, within = self._read(points)
        return self._density(self.module.sigma(read), within)

    @torch.no_grad()
    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """points [N,3] world -> sRGB [N,3] in 0-1, whatever the direction."""
        return self.module(self._read(points)[0])[:, 1:].clamp(0, 1)

    def radiance(self, points: Tensor, directions: Tensor | None = None) -> Radiance:
        """Density and colour at points [N,3] world in one pass, differentiable in planes and decoder."""
        read, within = self._read(points)
        raw = self.module(read)
        return Radiance(self._density(raw[:, 0], within), raw[:, 1:])

    @torch.no_grad()
    def density_in_box(self, nodes: int) -> Tensor:
        """Densities [X,Y,Z] per world unit at nodes^3 even places of the box, -1..1 along each of its axes.

        The planes are read along their own axes only: three times nodes^2 readings in place of nodes^3.
        """
        planes = move(self.planes, next(self.module.parameters()).device)
        maps = planes.on_lattice(torch.linspace(-1, 1, nodes, device=planes.table.device))
        summed = []
        for values, pair in zip(maps, planes.axes, strict=True):
            values = values if pair[0] < pair[1] else values.transpose(0, 1)
            summed.append(values.unsqueeze(3 - sum(pair)))
        slabs = []
        for i in range(nodes):
            read = sum(v[min(i, len(v) - 1)] for v in summed)
            slabs.append(self._density(self.module.sigma(read), None))
        return torch.stack(slabs)

    def span(self, origins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Distances [R] at which rays [R,3] enter and leave the box; start >= end where they miss it.

        A projective map takes rays to rays, so that each of the box's faces bounds the distance linearly.
        """
        matrix = self.world_to_planes.to(origins)
        at = origins @ matrix[:, :3].T + matrix[:, 3]
        along = directions @ matrix[:, :3].T
        value = torch.cat([at[:, 3:] - at[:, :3], at[:, 3:] + at[:, :3], at[:, 3:]], 1)
        slope = torch.cat([along[:, 3:] - along[:, :3], along[:, 3:] + along[:, :3], along[:, 3:]], 1)
        crossing = -value / torch.where(slope.abs() < 1e-9, 1e-9, slope)
        start = torch.where(slope > 0, crossing, 0.0).amax(1).clamp_min(0)
        end = torch.where(slope < 0, crossing, torch.inf).amin(1)
        never = ((slope.abs() < 1e-9) & (value < 0)).any(1)
        return start, torch.where(never | ~end.isfinite(), start, end)

    def in_box(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """points [N,3] world -> the box's coordinates [N,3], and which lie within -1..1 [N]."""
        check_shape("points", points, "N", 3)
        matrix = self.world_to_planes.to(points)
        projective = points @ matrix[:, :3].T + matrix[:, 3]
        ahead = projective[:, 3] > BEHIND_EYE
        inner = projective[:, :3] / projective[:, 3:].clamp_min(BEHIND_EYE)
        return inner, ahead & (inner.abs() <= 1).all(1)

    def _read(self, points: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            inner, within = self.in_box(points)
        if next(self.module.parameters()).device != points.device:
            self.module.to(points.device)
        return move(self.planes, points.device).read(inner.clamp(-1, 1)), within

    def _density(self, sigma: Tensor, within: Tensor | None) -> Tensor:
        density = F.softplus(sigma - SHIFT) * self.scale
        return density if within is None else torch.where(within, density, 0.0)


def box_bounds(world_to_planes: Tensor) -> Tensor:
    """Bounds [2,3] world of the box that a projective map [4,4] takes to -1..1."""
    side = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    corners = torch.stack(torch.meshgrid(side, side, side, indexing="ij"), -1).reshape(-1, 3)
    inverse = torch.linalg.inv(world_to_planes.detach().double().cpu())
    world = F.pad(corners, (0, 1), value=1.0) @ inverse.T
    world = (world[:, :3] / world[:, 3:]).float()
    return torch.stack([world.amin(0), world.amax(0)])
