"""Scenes of benchmarks/carve.py: solids whose masks and visual hulls are known."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.data.rendering.objects import list_objects, load_object
from recon_lib.fields.hull_voxels import voxel_centres
from recon_lib.meshes.columns import column_crossings
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.solid import is_closed
from recon_lib.render.rasterize import rasterize

FINER = 4  # samples per pixel side: soft masks, and the exact hulls of meshes
AT_ONCE = 1 << 20

Inside = Callable[[Tensor], Tensor]  # points [N,3] -> [N] bool
RayTest = Callable[[Tensor, Tensor], Tensor]  # eye [3], ray directions [N,3] from there -> hits of the solid [N] bool


@dataclass(frozen=True)
class Scene:
    """A solid seen by V cameras."""

    name: str
    cameras: Cameras
    masks: Tensor  # [V,1,H,W] coverage of each pixel by the solid
    truth: Tensor  # [R,R,R] bool (z,y,x), voxels' centres inside the solid
    hull: Tensor  # [R,R,R] bool, voxels' centres whose rays from all cameras hit the solid


def cameras_around(count: int, pixels: int) -> Cameras:
    """Cameras all around, below, level and above in turn."""
    azimuths = [360.0 * i / count for i in range(count)]
    return Cameras.orbit(azimuths, [(0.0, 30.0, -30.0)[i % 3] for i in range(count)], 3.5, 40.0, pixels, pixels)


# -- closed forms ---------------------------------------------------------------------------------------------


def ball_rays(radius: float) -> RayTest:
    return lambda eye, directions: (
        torch.linalg.cross(-eye.expand_as(directions), directions).norm(dim=-1) < radius * directions.norm(dim=-1)
    )


def box_rays(half: Tensor, rotation: Tensor) -> RayTest:
    """A box around the origin whose axes are the columns of `rotation`."""

    def meets(eye: Tensor, directions: Tensor) -> Tensor:
        eye, directions = eye @ rotation, directions @ rotation
        directions = torch.where(directions.abs() < 1e-9, 1e-9, directions)
        sides = [(side * half - eye) / directions for side in (-1, 1)]
        return torch.minimum(*sides).amax(-1) < torch.maximum(*sides).amin(-1)

    return meets


def closed_form(name: str, cameras: Cameras, resolution: int, inside: Inside, ray_test: RayTest) -> Scene:
    masks = []
    for i in range(len(cameras)):
        fine = cameras[i].resized(cameras.height * FINER, cameras.width * FINER)
        origins, directions = fine.rays()
        covered = ray_test(origins[0, 0, 0], directions.reshape(-1, 3)).view(1, 1, fine.height, fine.width)
        masks.append(F.avg_pool2d(covered.float(), FINER))

    def inside_view(points: Tensor, view: int) -> Tensor:
        eye = cameras.position[view]
        return ray_test(eye, points - eye)

    truth = _grid(resolution, inside)
    return Scene(name, cameras, torch.cat(masks), truth, _hull(resolution, len(cameras), inside_view))


def simple_scenes(cameras: Cameras, resolution: int) -> Iterator[Scene]:
    radius = 0.85
    yield closed_form("ball", cameras, resolution, lambda p: p.norm(dim=-1) < radius, ball_rays(radius))
    upright, half = torch.eye(3), torch.full((3,), 0.5)
    tilted = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    for name, turn in (("cube", upright), ("tilted cube", tilted)):
        inside = lambda p, turn=turn: ((p @ turn).abs() < half).all(-1)  # noqa: E731
        yield closed_form(name, cameras, resolution, inside, box_rays(half, turn))


# -- meshes ---------------------------------------------------------------------------------------------------


def mesh_scene(name: str, mesh: Mesh, cameras: Cameras, resolution: int) -> Scene:
    """Scene of a mesh; its exact hull is that of silhouettes with FINER times as many pixels a side."""
    fine = cameras.resized(cameras.height * FINER, cameras.width * FINER)
    covered = torch.cat([rasterize(mesh, fine[i]).mask for i in range(len(fine))])  # [V,H,W]
    masks = torch.cat([F.avg_pool2d(view[None, None].float(), FINER) for view in covered])

    def inside_view(points: Tensor, view: int) -> Tensor:
        pixels, _ = fine[view].project(points)
        x, y = pixels[0].floor().long().unbind(-1)
        framed = (x >= 0) & (y >= 0) & (x < fine.width) & (y < fine.height)
        return ~framed | covered[view, y.clamp(0, fine.height - 1), x.clamp(0, fine.width - 1)]

    return Scene(name, cameras, masks, solid_voxels(mesh, resolution), _hull(resolution, len(cameras), inside_view))


def mesh_scenes(
    folder: Path, count: int, up: str, split: str | None, cameras: Cameras, resolution: int
) -> Iterator[Scene]:
    """`count` closed meshes, spread evenly over the folder."""
    files = list_objects(folder, split)
    start, stride, made = 0, max(1, len(files) // max(count, 1)), 0
    order = [i for first in range(stride) for i in range(first, len(files), stride)]
    while made < count and start < len(order):
        file = files[order[start]]
        start += 1
        mesh = load_object(file.path, up)
        if is_closed(mesh):
            made += 1
            yield mesh_scene(file.name, mesh, cameras, resolution)


def solid_voxels(mesh: Mesh, resolution: int) -> Tensor:
    """[R,R,R] bool (z,y,x): centres with a nonzero winding number."""
    coordinates = (torch.arange(resolution) + 0.5) * 2 / resolution - 1
    crossings = column_crossings(mesh.triangles, torch.cartesian_prod(coordinates, coordinates))
    winding = torch.zeros(resolution**2, resolution + 1, dtype=torch.int32)
    first = ((crossings.height + 1) * resolution / 2 - 0.5).ceil().clamp(0, resolution).long()
    winding.index_put_((crossings.line, first), -crossings.sign.int(), accumulate=True)
    inside = winding.cumsum(1)[:, :resolution] != 0
    return inside.view(resolution, resolution, resolution).permute(2, 1, 0).contiguous()


# -- grids ----------------------------------------------------------------------------------------------------


def _slabs(resolution: int) -> Iterator[Tensor]:
    """All voxels [N,3] (z,y,x) in pieces, in order."""
    thick = max(1, AT_ONCE // resolution**2)
    for low in range(0, resolution, thick):
        axes = torch.arange(low, min(low + thick, resolution)), *[torch.arange(resolution)] * 2
        yield torch.cartesian_prod(*axes)


def _grid(resolution: int, inside: Inside) -> Tensor:
    values = [inside(voxel_centres(voxels, resolution, 1.0)) for voxels in _slabs(resolution)]
    return torch.cat(values).view(resolution, resolution, resolution)


def _hull(resolution: int, views: int, inside_view: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Hull voxels, by a test of every voxel's centre in every view."""

    def inside(points: Tensor) -> Tensor:
        rows = (points.norm(dim=-1) < 1).nonzero().flatten()
        for view in range(views):
            rows = rows[inside_view(points[rows], view)]
        result = torch.zeros(len(points), dtype=torch.bool)
        result[rows] = True
        return result

    return _grid(resolution, inside)


def eroded(masks: Tensor) -> Tensor:
    """Masks [V,1,H,W] cut at 1/2, without their outermost pixels, corners too."""
    return -F.max_pool2d(-(masks > 0.5).float(), 3, 1, 1)


def dilated(masks: Tensor) -> Tensor:
    """Masks cut at 1/2, with one pixel more all around."""
    return F.max_pool2d((masks > 0.5).float(), 3, 1, 1)


def overlap(a: Tensor, b: Tensor) -> float:
    """Intersection over union."""
    return float((a & b).sum() / (a | b).sum().clamp_min(1))


def recall(predicted: Tensor, truth: Tensor) -> float:
    """Fraction of the truth that was predicted."""
    total = int(truth.sum())
    return float((predicted & truth).sum()) / total if total else math.nan
