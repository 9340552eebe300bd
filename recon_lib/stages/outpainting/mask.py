"""Outpaint mask of the next camera: where the object may be, minus what an earlier view observed (after POP3D)."""

import logging
import time
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...fields.field import Field
from ...memory import explain_oom
from ...meshes.columns import column_crossings
from ...meshes.mesh import Mesh
from ...meshes.one_origin import counted_alike
from ...progress import Progress
from ...provenance import PROVENANCE_COLORS, Provenance
from ...render.layers import background_color
from ...render.mesh import corner_normals
from ...render.projection import Projector
from ...render.rasterize import rasterize
from ...views.next_views import MAX_VIEW_ANGLE_DEG
from ...views.views import Views
from ..meshing.extract import extract_mesh
from .object_mask import remove_small_components
from .seen_pixels import Surface, observed_pixels

log = logging.getLogger("recon3d")
SIDE_PX_PER_SEAM_PX = 256  # pixels of a picture's shorter side for each pixel of seam
HULL_MARGIN_PX = 1  # a border of the hull up to twice as wide without a surface is the margin of its silhouettes
RESOLUTION = 128  # cells a side of the meshes that stand for fields
UNKNOWN = 0.5  # sRGB grey of pixels to be painted


@dataclass(frozen=True)
class OutpaintMask:
    """Outpaint masks of C cameras, with the layers of what is already known."""

    cameras: Cameras  # C cameras
    masks: Tensor  # [C,1,H,W] float32, 1 = to be painted
    seen: Tensor  # [C,1,H,W] float32, 1 = seen by an earlier view and kept; never where the mask is 1
    silhouettes: Tensor  # [C,1,H,W] float32, 1 = the hull: the object may be there
    images: Tensor  # [C,3,H,W] sRGB 0-1: seen colours, grey where the mask is 1, the background elsewhere
    depth: Tensor  # [C,1,H,W] z-depth of the current surface, 0 = none
    normals: Tensor  # [C,3,H,W] of the current surface, unit, camera frame, 0 = none

    def preview(self) -> Tensor:
        """Pictures [C,3,H,W] of the seen colours, the mask in orange and the rest of the hull in pale grey."""
        orange = PROVENANCE_COLORS[Provenance.OUTPAINTED].view(1, 3, 1, 1)
        hull = self.silhouettes * (1 - self.seen) * 0.25
        return (self.images * (1 - hull) + UNKNOWN * hull) * (1 - self.masks) + orange * self.masks


@explain_oom("computing the outpaint mask", "ask for smaller pictures")
def find_outpaint_mask(
    views: Views,
    cameras: Cameras,
    hull: Field | Mesh,
    surface: Field | Mesh,
    *,
    grow: int | None = None,
    max_view_angle: float = MAX_VIEW_ANGLE_DEG,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> OutpaintMask:
    """Outpaint mask of each of `cameras`, each as if it were the next one.

    A pixel inside the hull's silhouette is kept when the point of `surface` that it shows was seen by one of `views`:
    within its mask, not hidden by the surface, and at a view angle below `max_view_angle` degrees. All other
    pixels of the silhouette are painted, except for a border of a few pixels beyond the surface, the margin of the
    hull. The mask is dilated by `grow` pixels inside the silhouette, so that its seam can be hidden; None is
    `seam_width`, in proportion to the picture. Islands of less than a hundredth of what was seen are painted again.
    Fields are meshed with 128 cells a side and evaluated on `device`.

    Raises `BadInput` for missing views or cameras, a camera that stands inside the hull or does not show it, a surface
    outside the hull and options out of range.
    """
    progress, started = progress or Progress(), time.perf_counter()
    grow = seam_width(cameras) if grow is None else grow
    _check(views, cameras, grow, max_view_angle)
    background_rgb = background_color(background, torch.device("cpu"))
    # cameras without an origin were made from the views' own
    cameras = cameras.moved_to(views.origin) if any(cameras.origin) else replace(cameras, origin=views.origin)
    meshes = (_as_mesh(solid, device, progress) for solid in (hull, surface))
    hull_mesh, surface_mesh = (counted_alike(mesh, views.cameras)[0] for mesh in meshes)
    _check_outside(cameras, hull_mesh)
    current_surface = Surface(surface_mesh, 0.0 if isinstance(surface, Mesh) else _cell(surface))
    projector = Projector.prepare(views, surface_mesh, progress.check)
    outpaint_masks = []
    progress.start("Outpaint mask", len(cameras))
    for i in range(len(cameras)):
        camera = cameras[i].to("cpu")
        silhouette = rasterize(hull_mesh, camera, check=progress.check).mask[:, None]
        if not silhouette.any():
            raise BadInput(f"Camera {i} does not show the hull; turn it to the object.")
        outpaint_masks.append(
            _single_mask(camera, silhouette, current_surface, projector, grow, max_view_angle, background_rgb, progress)
        )
        progress.step(lambda mask=outpaint_masks[-1]: mask.preview()[0])
    log.info("masks of %d cameras took %.2f s", len(cameras), time.perf_counter() - started)
    layers = ("masks", "seen", "silhouettes", "images", "depth", "normals")
    return OutpaintMask(cameras, *(torch.cat([getattr(single, name) for single in outpaint_masks]) for name in layers))


def _single_mask(
    camera: Cameras,
    silhouette: Tensor,  # [1,1,H,W] bool
    surface: Surface,
    projector: Projector,
    grow: int,
    max_view_angle: float,
    background_rgb: Tensor,
    progress: Progress,
) -> OutpaintMask:
    """Outpaint mask of one camera."""
    fragments = rasterize(surface.mesh, camera, check=progress.check)
    covered = fragments.mask
    if not (covered[:, None] & silhouette).any():
        raise BadInput("The surface and the hull do not meet in the picture; both must come from the same views.")
    seen, colors = observed_pixels(surface, fragments, projector, max_view_angle)
    # islands are remains of an outline and often have the background's colour
    seen = remove_small_components(seen & silhouette)
    normals = F.normalize(fragments.interpolate_seen(corner_normals(surface.mesh)), dim=-1)
    camera_normals = torch.zeros_like(colors).movedim(1, -1)
    camera_normals[covered] = normals @ camera.rotation[0]

    masks = widened(missing_pixels(silhouette, covered[:, None], seen), grow) & silhouette
    seen = seen & ~masks
    images = torch.where(seen, colors, torch.where(masks, UNKNOWN, background_rgb.view(1, 3, 1, 1)))
    masks, seen, silhouette = (layer.float() for layer in (masks, seen, silhouette))
    depth, camera_normals = fragments.depth[:, None], camera_normals.movedim(-1, 1)
    return OutpaintMask(camera, masks, seen, silhouette, images, depth, camera_normals)


def seam_width(cameras: Cameras) -> int:
    """Width of the seam, pixels by which the mask overlaps what was seen: one for every 256 of the shorter side.

    Small pictures have no seam: two pixels from either side are all of a chair's leg, and what was seen of it would
    be painted again (`benchmarks/outpaint_masks.py`). Our choice; the paper's is not known.
    """
    return min(cameras.height, cameras.width) // SIDE_PX_PER_SEAM_PX


def missing_pixels(
    silhouette: Tensor,  # [1,1,H,W] bool, the hull
    covered: Tensor,  # [1,1,H,W] bool, the current surface
    seen: Tensor,  # [1,1,H,W] bool, by an earlier view
) -> Tensor:
    """Unseen pixels [1,1,H,W] bool of the hull.

    Where there is no surface, only wide regions count: the hull extends a little beyond the object everywhere.
    """
    unseen = silhouette & ~seen
    thick = widened(~widened(~unseen, HULL_MARGIN_PX), HULL_MARGIN_PX)
    return unseen & (covered | thick)


def widened(region: Tensor, pixels: int) -> Tensor:
    """Dilation of a region [1,1,H,W] bool by a square of `pixels` in each direction."""
    return F.max_pool2d(region.float(), 2 * pixels + 1, 1, pixels) > 0 if pixels else region


def _cell(field: Field) -> float:
    """Cell size, world units, of the mesh that stands for a field."""
    return float((field.bounds[1] - field.bounds[0]).max()) / RESOLUTION


def _as_mesh(solid: Field | Mesh, device: torch.device | str | None, progress: Progress) -> Mesh:
    return solid if isinstance(solid, Mesh) else extract_mesh(solid, RESOLUTION, device=device, progress=progress).mesh


# -- what can be wrong ----------------------------------------------------------------------------------------


def _check(views: Views, cameras: Cameras, grow: int, max_view_angle: float) -> None:
    if not len(views):
        raise BadInput("There is no earlier view, so nothing of the object is known; connect at least the input view.")
    if not len(cameras):
        raise BadInput("There is no camera to look from; connect the next camera.")
    if not (0 <= grow <= 64 and 0 < max_view_angle <= 90):
        raise BadInput(
            f"A seam of {grow} px and a view angle of {max_view_angle} degrees are out of range; "
            "give 0 to 64 px and 0 to 90 degrees."
        )


def _check_outside(cameras: Cameras, hull: Mesh) -> None:
    """Raise `BadInput` for a camera inside the hull: upward rays from there leave it once more than they enter it."""
    position = cameras.position.cpu()
    crossings = column_crossings(hull.triangles, position[:, :2])
    above = crossings.height > position[crossings.line, 2]
    winding = torch.zeros(len(position), dtype=torch.int64)
    winding.index_add_(0, crossings.line[above], crossings.sign[above].long())
    if (winding != 0).any():
        inside = int((winding != 0).nonzero()[0])
        raise BadInput(f"Camera {inside} stands inside the hull, where the object may be; move it back.")
