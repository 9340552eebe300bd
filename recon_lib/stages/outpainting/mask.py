"""What the next camera needs painted: where the object may be, less what an earlier view really saw (after POP3D)."""

import logging
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...fields.field import Field
from ...memory import explain_oom
from ...meshes.columns import column_crossings
from ...meshes.mesh import Mesh
from ...progress import Progress
from ...provenance import PROVENANCE_COLORS, Provenance
from ...render.layers import background_color
from ...render.mesh import corner_normals
from ...render.projection import Projector
from ...render.rasterize import rasterize
from ...views.next_views import MAX_VIEW_ANGLE_DEG
from ...views.views import Views
from ..meshing.extract import extract_mesh
from .object_mask import drop_specks
from .seen_pixels import Surface, really_seen

log = logging.getLogger("recon3d")
SEAM = 256  # pixels of a picture's shorter side for each pixel of seam
RIM = 1  # pixels: a border of the hull that is up to twice as wide and shows no surface is the margin of its masks
RESOLUTION = 128  # of the meshes that stand for fields
UNKNOWN = 0.5  # sRGB grey where there is something to paint


@dataclass(frozen=True)
class OutpaintMask:
    """What C cameras know and what they miss."""

    cameras: Cameras  # C cameras
    masks: Tensor  # [C,1,H,W] float32, 1 = to be painted
    seen: Tensor  # [C,1,H,W] float32, 1 = seen by an earlier view and to be kept; never where the mask is 1
    silhouettes: Tensor  # [C,1,H,W] float32, 1 = the hull: the object may be there
    images: Tensor  # [C,3,H,W] sRGB 0-1: seen colours, grey where they are to be painted, the background elsewhere
    depth: Tensor  # [C,1,H,W] z-depth of the current surface, 0 = none
    normals: Tensor  # [C,3,H,W] of the current surface, unit, camera frame, 0 = none

    def preview(self) -> Tensor:
        """[C,3,H,W] the seen colours, what is to be painted in orange, the rest of the hull in pale grey."""
        orange = PROVENANCE_COLORS[Provenance.OUTPAINTED].view(1, 3, 1, 1)
        hull = self.silhouettes * (1 - self.seen) * 0.25
        return (self.images * (1 - hull) + UNKNOWN * hull) * (1 - self.masks) + orange * self.masks


@explain_oom("looking for what the next view misses", "ask for smaller pictures")
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
    """The region to be painted in each of `cameras`, each as if it were the next one.

    A pixel inside the hull's silhouette is kept when the point of `surface` that it shows was seen by one of `views`:
    within its mask, not hidden by the surface, and turned to it by less than `max_view_angle` degrees. All other
    pixels of the silhouette are painted, except for a border of a few pixels beyond the surface, the margin of the
    masks. The region is widened by `grow` pixels inside the silhouette, so that its seam can be hidden; None is
    `seam_width`, in proportion to the picture. Islands of less than a hundredth of what was seen are painted again.
    Fields are looked at as meshes of 128 cells a side; their points are asked on `device`.

    Raises `BadInput` for missing views or cameras, a camera that stands inside the hull or does not show it, a surface
    outside the hull and options out of range.
    """
    progress, started = progress or Progress(), time.perf_counter()
    grow = seam_width(cameras) if grow is None else grow
    _check(views, cameras, grow, max_view_angle)
    paper = background_color(background, torch.device("cpu"))
    hull_mesh, surface_mesh = (_as_mesh(solid, device, progress) for solid in (hull, surface))
    _check_outside(cameras, hull_mesh)
    known = Surface(surface_mesh, 0.0 if isinstance(surface, Mesh) else _cell(surface))
    projector = Projector.prepare(views, surface_mesh, progress.check)
    found = []
    progress.start("Outpainting mask", len(cameras))
    for i in range(len(cameras)):
        camera = cameras[i].to("cpu")
        silhouette = rasterize(hull_mesh, camera, check=progress.check).mask[:, None]
        if not silhouette.any():
            raise BadInput(f"Camera {i} does not show the hull; turn it to the object.")
        found.append(_mask_of_one(camera, silhouette, known, projector, grow, max_view_angle, paper, progress))
        progress.step(lambda done=found[-1]: done.preview()[0])
    log.info("masks of %d cameras took %.2f s", len(cameras), time.perf_counter() - started)
    layers = ("masks", "seen", "silhouettes", "images", "depth", "normals")
    return OutpaintMask(cameras, *(torch.cat([getattr(one, name) for one in found]) for name in layers))


def _mask_of_one(
    camera: Cameras,
    silhouette: Tensor,  # [1,1,H,W] bool
    surface: Surface,
    projector: Projector,
    grow: int,
    max_view_angle: float,
    paper: Tensor,
    progress: Progress,
) -> OutpaintMask:
    """The same for one camera."""
    fragments = rasterize(surface.mesh, camera, check=progress.check)
    covered = fragments.mask
    if not (covered[:, None] & silhouette).any():
        raise BadInput("The surface and the hull do not meet in the picture; both must come from the same views.")
    seen, colors = really_seen(surface, fragments, projector, max_view_angle)
    seen = drop_specks(seen & silhouette)  # islands are scraps of an outline: the background's colour as often as not
    normals = F.normalize(fragments.interpolate_seen(corner_normals(surface.mesh)), dim=-1)
    facing = torch.zeros_like(colors).movedim(1, -1)
    facing[covered] = normals @ camera.rotation[0]

    masks = widened(missing_pixels(silhouette, covered[:, None], seen), grow) & silhouette
    kept = seen & ~masks
    images = torch.where(kept, colors, torch.where(masks, UNKNOWN, paper.view(1, 3, 1, 1)))
    flat = (layer.float() for layer in (masks, kept, silhouette))
    return OutpaintMask(camera, *flat, images, fragments.depth[:, None], facing.movedim(-1, 1))


def seam_width(cameras: Cameras) -> int:
    """Pixels by which the painted region reaches into what was seen: one for every 256 of the picture's shorter side.

    In small pictures none is left: two pixels from either side are all of a chair's leg, and what was seen of it would
    be painted again (`benchmarks/outpaint_masks.py`). Our choice; the paper's is not known.
    """
    return min(cameras.height, cameras.width) // SEAM


def missing_pixels(
    silhouette: Tensor,  # [1,1,H,W] bool, the hull
    covered: Tensor,  # [1,1,H,W] bool, the current surface
    seen: Tensor,  # [1,1,H,W] bool, by an earlier view
) -> Tensor:
    """Pixels [1,1,H,W] bool of the hull that nobody saw.

    Where there is no surface, only what is wide enough counts: the hull reaches a little beyond the object everywhere.
    """
    unseen = silhouette & ~seen
    thick = widened(~widened(~unseen, RIM), RIM)
    return unseen & (covered | thick)


def widened(region: Tensor, pixels: int) -> Tensor:
    """A region [1,1,H,W] bool with all that is within `pixels` of it, corners too."""
    return F.max_pool2d(region.float(), 2 * pixels + 1, 1, pixels) > 0 if pixels else region


def _cell(field: Field) -> float:
    """World units, of the mesh that stands for a field."""
    return float((field.bounds[1] - field.bounds[0]).max()) / RESOLUTION


def _as_mesh(solid: Field | Mesh, device: torch.device | str | None, progress: Progress) -> Mesh:
    return solid if isinstance(solid, Mesh) else extract_mesh(solid, RESOLUTION, device=device, progress=progress).mesh


# -- what can be wrong ----------------------------------------------------------------------------------------


def _check(views: Views, cameras: Cameras, grow: int, max_view_angle: float) -> None:
    if not len(views):
        raise BadInput("There is no earlier view, so everything is to be painted; connect at least the input view.")
    if not len(cameras):
        raise BadInput("There is no camera to look from; connect the next camera.")
    if not (0 <= grow <= 64 and 0 < max_view_angle <= 90):
        raise BadInput(
            f"Growing by {grow} px up to {max_view_angle} degrees is not possible; give 0 to 64 px, 0 to 90 degrees."
        )


def _check_outside(cameras: Cameras, hull: Mesh) -> None:
    """No camera may stand inside the hull: upward rays from there leave it once more than they enter it."""
    position = cameras.position.cpu()
    crossings = column_crossings(hull.triangles, position[:, :2])
    above = crossings.height > position[crossings.line, 2]
    winding = torch.zeros(len(position), dtype=torch.int64)
    winding.index_add_(0, crossings.line[above], crossings.sign[above].long())
    if (winding != 0).any():
        inside = int((winding != 0).nonzero()[0])
        raise BadInput(f"Camera {inside} stands inside the hull, where the object may be; move it back.")
