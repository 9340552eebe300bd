"""Posed pictures of analytic solids, and a fit that is small enough for a test."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.provenance import Provenance
from recon_lib.render.field import render_field
from recon_lib.stages.fitting.sdf_grid.settings import FitLevel, FitSettings
from recon_lib.views.views import Views

BOUNDS = torch.tensor([[-1.0, -1, -1], [1, 1, 1]])
LEVELS = (FitLevel(16, 2, (1.2, 0.6)), FitLevel(24, 2, (0.9, 0.4)), FitLevel(40, 4, (0.6, 0.25)))
SMALL = FitSettings(levels=LEVELS, rays=4096, batch=1024)


@dataclass(frozen=True)
class Solid:
    """An analytic field, coloured smoothly by place."""

    distance: Callable[[Tensor], Tensor]  # [N,3] -> [N], negative inside
    bounds: Tensor = BOUNDS
    has_color: bool = True

    def inside(self, points: Tensor) -> Tensor:
        return -self.distance(points)

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        return (0.5 + 0.4 * torch.sin(3 * points + torch.tensor([0.0, 1.0, 2.0]))).clamp(0, 1)


def sphere(radius: float = 0.6) -> Solid:
    return Solid(lambda p: p.norm(dim=-1) - radius)


def ellipsoid(half=(0.7, 0.4, 0.5)) -> Solid:
    """Not an exact distance, but of the right sign, and exact near the surface."""
    axes = torch.tensor(half)

    def distance(points: Tensor) -> Tensor:
        length = (points / axes).norm(dim=-1)
        return length * (length - 1) / (points / axes**2).norm(dim=-1).clamp_min(1e-9)

    return Solid(distance)


def box(half=(0.5, 0.4, 0.3)) -> Solid:
    def distance(points: Tensor) -> Tensor:
        q = points.abs() - torch.tensor(half)
        return q.clamp_min(0).norm(dim=-1) + q.amax(-1).clamp_max(0)

    return Solid(distance)


def cylinder(radius: float = 0.5, half: float = 0.6) -> Solid:
    """Upright, `2 half` high."""
    return Solid(lambda p: torch.maximum(p[:, [0, 2]].norm(dim=-1) - radius, p[:, 1].abs() - half))


def bowl() -> Solid:
    """A ball with a round hollow that no silhouette shows."""

    def distance(points: Tensor) -> Tensor:
        hollow = 0.45 - (points - torch.tensor([0.0, 0.0, 0.55])).norm(dim=-1)
        return torch.maximum(points.norm(dim=-1) - 0.65, hollow)

    return Solid(distance)


def around(count: int, side: int, start: float = 0.0) -> Cameras:
    """Cameras on a spiral from above to below."""
    at = torch.arange(count) + 0.5
    elevation = torch.rad2deg(torch.asin(0.8 * (1 - 2 * at / count)))
    return Cameras.orbit((start + 137.5 * at).tolist(), elevation.tolist(), 3.0, 40.0, side, side)


def posed(solid: Solid, cameras: Cameras) -> Views:
    """Pictures over white with masks, depth, normals and provenance."""
    rendering = render_field(solid, cameras, shading="albedo", supersample=3, look_ahead=0, steps=64)
    codes = (rendering.masks > 0.5).to(torch.uint8) * int(Provenance.OBSERVED)
    return Views(rendering.images, cameras, rendering.masks, rendering.depth, rendering.normals, codes)


def surface_error(field, solid: Solid, count: int = 4000) -> float:
    """Mean distance of points on the field's surface from the solid's, world units."""
    from recon_lib.stages.meshing.extract import extract_mesh

    points = extract_mesh(field, 48, largest=True).mesh.sample_surface(count)[0]
    return float(solid.distance(points).abs().mean())
