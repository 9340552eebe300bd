"""Space carving: the visual hull of all silhouettes, as a field and as voxels."""

import logging
import math
import time
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...check import check_finite
from ...errors import BadInput
from ...fields.hull import DEPTH_SLACK, SILHOUETTE_MARGIN_PX, SOLID, HullField
from ...fields.hull_voxels import Footprint, hull_voxels, levels, voxel_centres
from ...memory import explain_oom
from ...progress import Progress
from ...views.views import Views

log = logging.getLogger("recon3d")
RESOLUTIONS = 8, 1024  # allowed range, voxels a side
CHECK_RESOLUTION = 32  # voxels a side at which masks are compared and single views are left out
MIN_FILLED = 0.5  # of every mask: if the hull fills less of one, the views contradict each other
CONSISTENT_FILLED = 0.9  # of every mask: the hull of consistent views fills at least this


@dataclass(frozen=True)
class Carving:
    """A visual hull as a field and as voxels."""

    field: HullField
    occupancy: Tensor  # [R,R,R] bool (z,y,x), voxels whose centre is inside; the grid spans +-radius on each axis
    filled: Tensor  # [V] fraction of each mask that the hull fills, 0-1: low where views contradict each other
    tests: int  # tests of a cell or voxel against a view; testing all voxels takes R^3 V

    def as_voxel(self) -> Tensor:
        """Data of ComfyUI's VOXEL [1,R,R,R] float32 (z,y,x), 1 = inside. Its -1 ... 1 is our +-radius."""
        return self.occupancy[None].float()


@explain_oom("carving the hull", "lower the resolution")
def carve(
    views: Views,
    resolution: int = 256,
    *,
    margin: float = SILHOUETTE_MARGIN_PX,
    radius: float = 1.0,
    depth_slack: float | None = None,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> Carving:
    """Visual hull of all masks of `views`, with the `resolution`^3 voxels of its cube.

    margin: pixels by which every silhouette is dilated; the default keeps objects whose masks are one pixel off.
    radius: of the ball around the origin that contains the object, world units; half the cube's side.
    depth_slack: carve by the views' depth too (`fields.hull.DEPTH_SLACK` is usual): nothing is kept further than this,
    in world units, in front of the surface that a view saw.

    Pixels outside a picture carve nothing. Takes about two bytes per voxel and sixteen per pixel: 85 MB for 256^3
    voxels and twelve views of 512 x 512.
    Raises `BadInput` for missing views, masks or depth, cameras inside the hull, masks that contradict each other,
    an empty hull and options out of range.
    """
    progress, started = progress or Progress(), time.perf_counter()
    _check_options(resolution, margin, radius, depth_slack)
    _check_views(views, depth_slack)
    progress.start("Carve hull", levels(resolution) + 2)
    hull = HullField.of(views, margin, radius, depth_slack, progress.check)
    _check_cameras(hull)
    progress.step()
    voxels = hull_voxels(hull.to(device or "cpu"), resolution, progress)
    occupancy = voxels.occupancy.cpu()
    filled = filled_fraction(hull, occupancy)
    if float(filled.min()) < MIN_FILLED:
        raise BadInput(_contradiction_message(hull, occupancy, filled, progress))
    if float(filled.min()) < CONSISTENT_FILLED:
        log.warning("the hull fills only %.0f %% of mask %d", 100 * filled.min(), int(filled.argmin()))
    progress.step()
    log.info(
        "carved the hull of %d views: %d of %d^3 voxels in %.2f s",
        len(views), int(occupancy.count_nonzero()), resolution, time.perf_counter() - started,
    )  # fmt: skip
    return Carving(hull, occupancy, filled, voxels.tests)


def filled_fraction(hull: HullField, occupancy: Tensor) -> Tensor:
    """Fraction [V], 0-1, of each mask that the projected voxels of `occupancy` [R,R,R] (z,y,x) fill.

    Compared in blocks of pixels about as large as a projected group of voxels: for gross errors, not for edges.
    """
    coarse = occupancy
    while len(coarse) > CHECK_RESOLUTION and len(coarse) % 2 == 0:
        coarse = _halved(coarse)
    side = len(coarse)
    centres = voxel_centres(coarse.nonzero(), side, hull.radius)
    voxel_radius = math.sqrt(3) * hull.radius / side
    return torch.tensor([_filled(hull, view, centres, voxel_radius) for view in range(len(hull.cameras))])


def _filled(hull: HullField, view: int, centres: Tensor, radius: float) -> float:
    """The same for one view: balls of `radius` around centres [N,3] stand for the voxels."""
    footprint = Footprint.of(hull, view, centres, radius)
    in_front = footprint.depth > 2 * radius
    if not in_front.any():
        return 0.0
    block = math.ceil(float(footprint.spread[in_front].max()))
    object_area = F.avg_pool2d((hull.silhouettes[view, None] > 0).float(), block, ceil_mode=True)
    x, y = (footprint.pixels[in_front] / block).floor().unbind(-1)
    width, height = object_area.shape[-1], object_area.shape[-2]
    framed = (x >= -1) & (y >= -1) & (x <= width) & (y <= height)
    hit = F.pad(torch.zeros_like(object_area), (1, 1, 1, 1))
    hit[0, 0, y[framed].long() + 1, x[framed].long() + 1] = 1
    return float((object_area * F.max_pool2d(hit, 3, 1)).sum() / object_area.sum())


def _halved(occupancy: Tensor) -> Tensor:
    """Max-pooled occupancy, [R,R,R] -> [R/2,R/2,R/2]: groups of eight voxels of which one is inside."""
    halved = occupancy[0::2] | occupancy[1::2]
    halved = halved[:, 0::2] | halved[:, 1::2]
    return halved[:, :, 0::2] | halved[:, :, 1::2]


# -- what can be wrong ----------------------------------------------------------------------------------------


def _check_options(resolution: int, margin: float, radius: float, depth_slack: float | None) -> None:
    low, high = RESOLUTIONS
    if not low <= resolution <= high:
        raise BadInput(f"A hull of {resolution} voxels a side is out of range; choose {low} to {high}, usually 256.")
    if not (0 <= margin < 1000 and 0 < radius < 1e6):
        raise BadInput(
            f"Margin {margin} px and radius {radius} make no hull; give 0 or more pixels and a radius above 0."
        )
    if depth_slack is not None and not 0 <= depth_slack < 1e6:
        raise BadInput(f"A depth slack of {depth_slack} is not possible; {DEPTH_SLACK} world units are usual.")


def _check_views(views: Views, depth_slack: float | None) -> None:
    if not len(views):
        raise BadInput("There is no view to carve by; connect at least one.")
    check_finite("masks", views.masks)
    solid = (views.masks > SOLID).flatten(1)
    empty = (~solid.any(1)).nonzero().flatten().tolist()
    if empty:
        raise BadInput(
            f"The mask of view {empty[0]} marks no object, so the hull would be empty; give its mask or drop the view."
        )
    if solid.all():
        raise BadInput("No mask marks any background, so there is nothing to carve by; give the views' object masks.")
    if depth_slack is not None and views.depth is None:
        raise BadInput("The views have no depth to carve by; estimate it first, or carve by the masks alone.")


def _check_cameras(hull: HullField) -> None:
    """Raise `BadInput` for a camera inside the hull."""
    inside = (hull.inside(hull.cameras.position) > 0).nonzero().flatten().tolist()
    if inside:
        raise BadInput(
            f"The camera of view {inside[0]} stands inside the hull, where the object may be; move it back, or make "
            "the radius smaller."
        )


def _contradiction_message(hull: HullField, occupancy: Tensor, filled: Tensor, progress: Progress) -> str:
    """Message for a hull that is empty or fills too little of a mask."""
    odd = _inconsistent_view(hull, progress) if len(hull.cameras) > 2 else None
    advice = "check masks, cameras and radius" if odd is None else f"view {odd} fits least: check its mask and camera"
    if not occupancy.any():
        return f"The hull of {len(hull.cameras)} views is empty at {len(occupancy)} voxels a side; {advice}."
    worst = int(filled.argmin())
    percent = round(100 * float(filled[worst]))
    return f"The masks contradict each other: the hull fills {percent} % of the mask of view {worst}; {advice}."


def _inconsistent_view(hull: HullField, progress: Progress) -> int | None:
    """The view without which the others are consistent, if there is exactly one."""
    agreement = []
    for left_out in range(len(hull.cameras)):
        others = torch.arange(len(hull.cameras)) != left_out
        layers = {"nearest": None if hull.nearest is None else hull.nearest[others]}
        without_view = replace(hull, silhouettes=hull.silhouettes[others], cameras=hull.cameras[others], **layers)
        progress.check()
        agreement.append(
            float(filled_fraction(without_view, hull_voxels(without_view, CHECK_RESOLUTION).occupancy).min())
        )
    best = max(agreement)
    return agreement.index(best) if best > CONSISTENT_FILLED and agreement.count(best) == 1 else None
