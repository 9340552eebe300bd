"""Truth, rival masks and view consistency of the benchmark of outpaint masks."""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.single_view_baselines import depth_mesh
from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.visibility import visible_points
from recon_lib.progress import Progress
from recon_lib.render.rasterize import rasterize
from recon_lib.stages.outpainting.mask import UNKNOWN, OutpaintMask, find_outpaint_mask
from recon_lib.stages.outpainting.outpaint import PainterInput
from recon_lib.views.next_views import MAX_VIEW_ANGLE_DEG, surface_visibility
from recon_lib.views.views import Views

SAMPLES = 4096  # surface points whose colours are compared between views


@dataclass(frozen=True)
class Truth:
    """True visibility of a view's surface in earlier cameras."""

    hit: Tensor  # [1,1,H,W] bool: the pixel's centre shows the object
    seen_by: Tensor  # [V,1,H,W] bool: this earlier camera saw the surface point that the pixel shows

    @property
    def seen(self) -> Tensor:
        """[1,1,H,W] bool, by any earlier camera."""
        return self.seen_by.any(0, keepdim=True)

    @property
    def unseen(self) -> Tensor:
        """[1,1,H,W] bool, of the object."""
        return self.hit & ~self.seen

    @classmethod
    def of(cls, mesh: Mesh, camera: Cameras, earlier: Cameras, max_view_angle: float = MAX_VIEW_ANGLE_DEG) -> "Truth":
        """Truth by exact ray tests; faces count up to `max_view_angle` degrees, with either winding."""
        fragments = rasterize(mesh, camera)
        points = fragments.interpolate_seen(mesh.triangles)
        normals = mesh.face_normals[fragments.face[fragments.mask]]
        cosine_to_camera = (normals * (camera.position - points)).sum(-1, keepdim=True)
        normals = torch.where(cosine_to_camera < 0, -normals, normals)
        cosine = (F.normalize(earlier.position[:, None] - points, dim=-1) * normals).sum(-1)
        seen_by = torch.zeros(len(earlier), *fragments.mask.shape, dtype=torch.bool)
        seen_by[:, fragments.mask] = visible_points(mesh, points, earlier) & (
            cosine > math.cos(math.radians(max_view_angle))
        )
        return cls(fragments.mask[:, None], seen_by)


def counts(painted: Tensor, truth: Truth) -> dict[str, int]:
    """Pixel counts of a mask [1,1,H,W]: painted unseen, painted seen, painted beside the object, unpainted unseen."""
    painted = painted > 0.5
    return {
        "right": int((painted & truth.unseen).sum()),
        "wasted": int((painted & truth.seen).sum()),
        "beside": int((painted & ~truth.hit).sum()),
        "missed": int((~painted & truth.unseen).sum()),
    }


def squared_error(image: Tensor, truth: Tensor, where: Tensor) -> tuple[float, int]:
    """Sum of squared differences of pictures [1,3,H,W] over pixels [1,1,H,W] bool, and the number of values."""
    return float(((image - truth).double().square() * where).sum()), 3 * int(where.sum())


# -- rivals ---------------------------------------------------------------------------------------------------


class MeanPainter:
    """Paints the surface in one colour: the best of `PlainPainter`'s kind for a view of which nothing was seen."""

    name = "mean colour"

    def __init__(self, views: Views, side: int = 256) -> None:
        self.side = side
        object_only = views.images - (1 - views.masks)  # without the white that outlines are blended with
        self.color = (object_only.sum((0, 2, 3)) / views.masks.sum()).clamp(0, 1).view(1, 3, 1, 1)

    def paint(
        self, inputs: PainterInput, *, prompt: str = "", seed: int = 0, progress: Progress | None = None
    ) -> tuple[Tensor, Tensor]:
        """See `outpaint.Painter`."""
        alpha = ((inputs.masks > 0.5) & (inputs.depth > 0)).float()
        return self.color * alpha + 1 - alpha, alpha


def sheets(views: Views) -> Mesh:
    """Surface from the depth of `views` alone: each view's visible surface, cut at depth discontinuities, world."""
    vertices, faces, count = [], [], 0
    for i in range(len(views)):
        view = views[i]
        on = (view.depth[0, 0] > 0) & (view.masks[0, 0] > 0.5)
        local = view.cameras.to_camera(view.cameras.unproject(view.depth).reshape(-1, 3))
        sheet = depth_mesh(local.view(*on.shape, 3), on)
        vertices.append(view.cameras.to_world(sheet.vertices[None])[0])
        faces.append(sheet.faces + count)
        count += len(sheet.vertices)
    return Mesh(torch.cat(vertices), torch.cat(faces))


def depth_masks(views: Views, camera: Cameras, hull: Mesh, full: OutpaintMask) -> tuple[OutpaintMask, OutpaintMask]:
    """Outpaint masks by warped depth alone: within the sheets' own outline, and within the current surface's.

    A pixel is kept if its first sheet faces the camera, at any angle and even behind unseen surface, of which depth
    knows nothing. full: the same view's hull-based outpaint mask, whose surface both have.
    """
    from scipy.ndimage import binary_fill_holes

    warped = find_outpaint_mask(views, camera, hull, sheets(views), grow=0, max_view_angle=90.0)
    directions = camera.to_camera(camera.unproject(torch.ones_like(warped.depth)).reshape(1, -1, 3)[0])
    rays = directions.view(1, *warped.depth.shape[-2:], 3).movedim(-1, 1)
    kept_mask = (warped.seen > 0.5) & ((warped.normals * rays).sum(1, keepdim=True) < 0)
    own_outline = torch.from_numpy(binary_fill_holes((warped.depth[0, 0] > 0).numpy()))[None, None]
    return tuple(_within(region, kept_mask & region, warped.images, full) for region in (own_outline, full.depth > 0))


def _within(region: Tensor, kept_mask: Tensor, images: Tensor, full: OutpaintMask) -> OutpaintMask:
    """Outpaint mask that keeps `kept_mask` and paints the rest of `region`; [1,1,H,W] bool each."""
    paint = region & ~kept_mask
    images = torch.where(kept_mask, images, torch.where(paint, UNKNOWN, 1.0))
    return replace(full, masks=paint.float(), seen=kept_mask.float(), silhouettes=region.float(), images=images)


# -- view consistency -----------------------------------------------------------------------------------------


def point_colors(mesh: Mesh, images: Tensor, cameras: Cameras) -> tuple[Tensor, Tensor]:
    """Colours [V,N,3] of uniform surface samples in pictures [V,3,H,W], and their visibility [V,N] bool."""
    points, _, _ = mesh.sample_surface(SAMPLES, 0)
    seen = surface_visibility(mesh, cameras, samples=SAMPLES, seed=0).seen
    pixels, _ = cameras.project(points)
    grid = pixels / pixels.new_tensor([cameras.width, cameras.height]) * 2 - 1
    colors = F.grid_sample(images, grid[:, None], padding_mode="border", align_corners=False)
    return colors[:, :, 0].mT, seen


def incoherence(colors: Tensor, seen: Tensor) -> tuple[float, float]:
    """Inconsistency of views: (mean squared difference relative to chance, mean absolute difference of a channel).

    colors [V,N,3], seen [V,N] bool. Over all pairs of views and the points that both see, the difference is that of the
    same point's colours. Its mean square is divided by its value for shuffled points: 0 if every point has one colour,
    1 if pictures are no more alike than by chance. Flat pictures, which never differ among themselves, gain nothing by
    it. NaN if no two views share a point, or if everything has one colour.
    """
    same = chance = difference = 0.0
    number = 0
    for i in range(len(colors)):
        for j in range(i):
            both = seen[i] & seen[j]
            if not both.any():
                continue
            a, b = colors[i, both].double(), colors[j, both].double()
            same += float((a - b).square().sum())
            shuffled = a.var(0, correction=0) + b.var(0, correction=0) + (a.mean(0) - b.mean(0)).square()
            chance += float(shuffled.sum()) * len(a)
            difference += float((a - b).abs().sum())
            number += 3 * len(a)
    undefined = float("nan")
    return same / chance if chance else undefined, difference / number if number else undefined
