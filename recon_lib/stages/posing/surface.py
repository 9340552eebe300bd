"""The object's surface as an adjustment of cameras sees it: points that views share, and points on the rims."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...fields.cells import Cells
from ...fields.distance_grid import DistanceGrid
from ...fields.hull import signed_distance
from ...progress import Progress
from ...render.near_surface import nearest_surface
from ...render.rays import RayBundle
from ...views.object_frame import view_center
from ...views.views import Views
from ..fitting.sdf_grid.start import Silhouettes, starting_distance

HIT, HIT_STEPS = 0.1, 24  # spacings; of the tracing
FACING = 0.25  # least cosine between a surface and a view that is asked about its colour
DEPTH_SLACK = 2.5  # spacings behind the first surface at which a point still counts as seen
SEARCH_NODES = 64  # a side of the grid that the hull is searched in


def hull_surface(views: Views, nodes: int, margin: float, progress: Progress) -> DistanceGrid:
    """The hull of masks that are widened by `margin` pixels, as signed distances, `nodes` a side."""
    hull, cells = _widened_hull(views, margin, nodes)
    return DistanceGrid(cells, starting_distance(hull, cells, progress.check))


def _widened_hull(views: Views, margin: float, nodes: int) -> tuple[Silhouettes, Cells]:
    """The hull, and a cube of `nodes` a side around it."""
    exact = Silhouettes.of(views)
    hull = replace(exact, hull=replace(exact.hull, margin=margin))
    center, radius = view_center(views)
    points = Cells.within(torch.stack([center - radius, center + radius]), SEARCH_NODES).positions()
    within = points[hull.inside(points) > 0]
    if not len(within):
        raise BadInput("The masks have no point in common; check that cameras and masks belong together.")
    room = 2 * radius / SEARCH_NODES
    return hull, Cells.within(torch.stack([within.amin(0) - room, within.amax(0) + room]), nodes)


@dataclass(frozen=True)
class Surface:
    """Points for the adjustment, N of the surface that views share and M of the rims."""

    points: Tensor  # [N,3] world
    normals: Tensor  # [N,3] unit, outward
    visible: Tensor  # [N,V] bool: views that see the point
    rims: Tensor  # [M,3] world
    rim_normals: Tensor  # [M,3] unit, outward
    rim_view: Tensor  # [M] int64: the view whose outline the point is on
    rim_distance: Tensor  # [M] silhouette distance of the rendered outline at the point's pixel, pixels
    spacing: float  # of the grid that it comes from, world units


def sample_surface(field: DistanceGrid, cameras: Cameras, count: int, rims: int, generator: torch.Generator) -> Surface:
    """About `count` points a view of the surface that it sees, and `rims` of its outline."""
    spacing = field.cells.spacing
    depth = trace(field, cameras)
    points, rim_points, rim_view, rim_distance = [], [], [], []
    hit = depth > 0
    outline = signed_distance(hit[:, None].float())[:, 0]
    world = cameras.unproject(depth[:, None])
    for view in range(len(cameras)):
        seen = hit[view] & (outline[view] > 2)
        chosen = _some(seen, count, generator)
        points.append(world[view][chosen])
        edge = hit[view] & (outline[view] < 1.5)
        edge[0], edge[-1], edge[:, 0], edge[:, -1] = False, False, False, False
        chosen = _some(edge, rims, generator)
        rim_points.append(world[view][chosen])
        rim_view.append(torch.full((len(rim_points[-1]),), view))
        rim_distance.append(outline[view][chosen])
    points, rim_points, rim_view = torch.cat(points), torch.cat(rim_points), torch.cat(rim_view)
    normals = field.normals(points)
    return Surface(
        points, normals, _visible(points, normals, cameras, depth, DEPTH_SLACK * spacing),
        rim_points, _outward(field, rim_points, rim_view, cameras), rim_view, torch.cat(rim_distance), spacing,
    )  # fmt: skip


def _some(mask: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows and columns of up to `count` pixels of a mask [H,W], at random."""
    found = mask.nonzero()
    found = found[torch.randperm(len(found), generator=generator)[:count]]
    return found[:, 0], found[:, 1]


def trace(field: DistanceGrid, cameras: Cameras) -> Tensor:
    """z-depth [V,H,W] of the field's first surface; 0 = none."""
    depths = []
    for view in range(len(cameras)):
        camera = cameras[view]
        origins, directions = (x.reshape(-1, 3).contiguous() for x in camera.rays())
        nearest = nearest_surface(field, RayBundle(origins, directions), HIT * field.cells.spacing, HIT_STEPS)
        depth = nearest.t * (directions @ camera.rotation[0, :, 2])
        depths.append(torch.where(nearest.hit, depth, 0.0).view(camera.height, camera.width))
    return torch.stack(depths)


def _visible(points: Tensor, normals: Tensor, cameras: Cameras, depth: Tensor, slack: float) -> Tensor:
    """Views [N,V] that see points: turned to them, in the picture, and not behind the first surface."""
    pixels, z = cameras.project(points)
    size = pixels.new_tensor([cameras.width, cameras.height])
    grid = (pixels * (2 / size) - 1)[:, :, None]
    first = F.grid_sample(depth[:, None], grid, mode="nearest", align_corners=False)[:, 0, :, 0]
    to_camera = F.normalize(cameras.position[:, None] - points, dim=-1)
    facing = (to_camera * normals).sum(-1) > FACING
    framed = ((pixels > 0) & (pixels < size)).all(-1)
    return (facing & framed & (z > 0) & (first > 0) & (z < first + slack)).T


def _outward(field: DistanceGrid, points: Tensor, view: Tensor, cameras: Cameras) -> Tensor:
    """Normals of rim points, made orthogonal to their rays: exactly on the rim they are."""
    ray = F.normalize(points - cameras.position[view], dim=-1)
    normals = field.normals(points)
    return F.normalize(normals - (normals * ray).sum(-1, keepdim=True) * ray, dim=-1)
