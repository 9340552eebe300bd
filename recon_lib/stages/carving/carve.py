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
RESOLUTIONS = 8, 1024
TRIAL = 32  # resolution at which the masks are compared, and views left out to find the one that contradicts
CONTRADICTION = 0.5  # of a mask: where the hull fills less of any, the views do not show one object
AGREEMENT = 0.9  # of every mask: the hull of views that fit together fills at least this


@dataclass(frozen=True)
class Carving:
    """A visual hull."""

    field: HullField
    occupancy: Tensor  # [R,R,R] bool (z,y,x): which voxels' centres lie inside; the grid spans +-radius on each axis
    filled: Tensor  # [V] share of each mask that the hull fills, 0-1: low where the views contradict each other
    tests: int  # cells and voxels that were held against a view; asking everywhere takes R^3 V

    def as_voxel(self) -> Tensor:
        """The data of ComfyUI's VOXEL [1,R,R,R] float32 (z,y,x), 1 = inside. Its -1 ... 1 is our +-radius."""
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
    """The visual hull of all masks of `views`, with the `resolution`^3 voxels of its cube.

    margin: pixels by which every silhouette is widened; the default keeps objects whose masks are one pixel off.
    radius: of the ball around the origin in which the object lies, world units; half the cube's side.
    depth_slack: carve by the views' depth too (`fields.hull.DEPTH_SLACK` is usual): nothing is further than this,
    in world units, before the surface that a view saw.

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
    filled = filled_share(hull, occupancy)
    if float(filled.min()) < CONTRADICTION:
        raise BadInput(_what_is_wrong(hull, occupancy, filled, progress))
    if float(filled.min()) < AGREEMENT:
        log.warning("the hull fills only %.0f %% of mask %d", 100 * filled.min(), int(filled.argmin()))
    progress.step()
    log.info(
        "carved the hull of %d views: %d of %d^3 voxels in %.2f s",
        len(views), int(occupancy.count_nonzero()), resolution, time.perf_counter() - started,
    )  # fmt: skip
    return Carving(hull, occupancy, filled, voxels.tests)


def filled_share(hull: HullField, occupancy: Tensor) -> Tensor:
    """How much of each mask the voxels of `occupancy` [R,R,R] (z,y,x) fill when they are seen from there: [V], 0-1.

    Compared in blocks of pixels about as large as a group of voxels appears: for gross errors, not for edges.
    """
    coarse = occupancy
    while len(coarse) > TRIAL and len(coarse) % 2 == 0:
        coarse = _halved(coarse)
    side = len(coarse)
    centres = voxel_centres(coarse.nonzero(), side, hull.radius)
    reach = math.sqrt(3) * hull.radius / side
    return torch.tensor([_filled(hull, view, centres, reach) for view in range(len(hull.cameras))])


def _filled(hull: HullField, view: int, centres: Tensor, reach: float) -> float:
    """The same for one view: balls of radius `reach` around centres [N,3] stand for the voxels."""
    shown = Footprint.of(hull, view, centres, reach)
    before = shown.depth > 2 * reach
    if not before.any():
        return 0.0
    block = math.ceil(float(shown.spread[before].max()))
    mass = F.avg_pool2d((hull.silhouettes[view, None] > 0).float(), block, ceil_mode=True)
    x, y = (shown.pixels[before] / block).floor().unbind(-1)
    width, height = mass.shape[-1], mass.shape[-2]
    near = (x >= -1) & (y >= -1) & (x <= width) & (y <= height)
    hit = F.pad(torch.zeros_like(mass), (1, 1, 1, 1))
    hit[0, 0, y[near].long() + 1, x[near].long() + 1] = 1
    return float((mass * F.max_pool2d(hit, 3, 1)).sum() / mass.sum())


def _halved(occupancy: Tensor) -> Tensor:
    """Groups of eight voxels of which one is inside: [R,R,R] -> [R/2,R/2,R/2]."""
    low = occupancy[0::2] | occupancy[1::2]
    low = low[:, 0::2] | low[:, 1::2]
    return low[:, :, 0::2] | low[:, :, 1::2]


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
            f"The mask of view {empty[0]} marks no object, so nothing could be left; give its mask or drop it."
        )
    if solid.all():
        raise BadInput("No mask marks any background, so there is nothing to carve by; give the views' object masks.")
    if depth_slack is not None and views.depth is None:
        raise BadInput("The views have no depth to carve by; estimate it first, or carve by the masks alone.")


def _check_cameras(hull: HullField) -> None:
    """No camera may stand where all other views leave room for the object."""
    inside = (hull.inside(hull.cameras.position) > 0).nonzero().flatten().tolist()
    if inside:
        raise BadInput(
            f"The camera of view {inside[0]} stands inside the hull, where the object may be; move it back, or make "
            "the radius smaller."
        )


def _what_is_wrong(hull: HullField, occupancy: Tensor, filled: Tensor, progress: Progress) -> str:
    """The sentence for a hull that is empty or fills too little of a mask."""
    odd = _odd_view(hull, progress) if len(hull.cameras) > 2 else None
    advice = "check masks, cameras and radius" if odd is None else f"view {odd} fits least: check its mask and camera"
    if not occupancy.any():
        return f"The hull of {len(hull.cameras)} views is empty at {len(occupancy)} voxels a side; {advice}."
    worst = int(filled.argmin())
    share = round(100 * float(filled[worst]))
    return (
        f"The masks contradict each other: what all views allow fills {share} % of the mask of view {worst}; {advice}."
    )


def _odd_view(hull: HullField, progress: Progress) -> int | None:
    """The view without which the others agree, if there is one."""
    agreement = []
    for left_out in range(len(hull.cameras)):
        kept = torch.arange(len(hull.cameras)) != left_out
        layers = {"nearest": None if hull.nearest is None else hull.nearest[kept]}
        rest = replace(hull, silhouettes=hull.silhouettes[kept], cameras=hull.cameras[kept], **layers)
        progress.check()
        agreement.append(float(filled_share(rest, hull_voxels(rest, TRIAL).occupancy).min()))
    best = max(agreement)
    return agreement.index(best) if best > AGREEMENT and agreement.count(best) == 1 else None
