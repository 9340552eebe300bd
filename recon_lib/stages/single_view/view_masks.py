"""Object masks of posed views whose source gives none: found view by view, then made consistent by all views.

Each mask alone is a guess. A point of the object is inside the outline in every view that frames it, so a visual hull
of soft masks that tolerates some wrong views (a fusion of silhouette probabilities, after Franco & Boyer 2005, "Fusion
of multi-view silhouette cues using a space occupancy grid") says what one view's mask should have been: what no other
view supports is dropped, and what the others see is filled where the view itself was in doubt.
"""

import logging
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...memory import explain_oom
from ...progress import Progress
from ...views.object_frame import ObjectFrame
from ...views.views import Views
from ...weights.registry import LoadedModel
from .found_masks import decided, without_tails
from .mask import segment

log = logging.getLogger("recon3d")

GRID = 64  # voxels a side in which views vote
SIDE = 96  # pixels of the longest side at which rays ask the grid
SAMPLES = 96  # on a ray
REACH = 0.012  # of a picture's longest side: the grid is no sharper
WRONG = 0.35  # share of the views that may be wrong about a point
BEYOND = 2.0  # above every mask value
DROP, FILL = 2.0, 0.7  # weights of the others' logit against and for the object
CERTAIN = 4.0  # logits of masks and votes are clamped to this
FEWEST = 3  # views; of two, neither can outvote the other


@explain_oom("finding the object in the views", "give smaller pictures or fewer of them")
def find_view_masks(
    model: LoadedModel,
    views: Views,
    masked: Tensor,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Views:
    """The views with masks where `masked` [V] bool is False; masks that were given stay as they are.

    A view in which nothing is found takes what the others say. Raises `BadInput` if that are most of the views.
    """
    progress, missing = progress or Progress(), (~masked).nonzero().flatten().tolist()
    if not missing:
        return views
    masks, lost = views.masks.clone(), []
    for view in missing:
        progress.check()
        try:
            found = segment(model, views.images[view : view + 1], device, progress).object
        except BadInput as error:
            log.info("view %d: %s", view, error)
            lost.append(view)
            found = torch.full_like(masks[:1], 0.5)
        masks[view] = found[0] * views.masks[view]  # nothing beyond the picture that was padded
    if len(lost) > len(views) / 2:
        raise BadInput(f"No object was found in {len(lost)} of {len(views)} pictures; give masks in a folder masks.")
    found_views = Views(views.images, views.cameras, masks)
    if len(views) >= FEWEST:
        masks = consistent_masks(found_views, masked, progress)
    elif lost:
        raise BadInput(f"No object was found in picture {lost[0]}; give its mask in a folder masks.")
    for view in missing:
        masks[view] = decided(without_tails(masks[view]))
    empty = [view for view in range(len(masks)) if not bool((masks[view] > 0.5).any())]
    if empty:
        raise BadInput(f"No object was found in picture {empty[0]}; give its mask in a folder masks.")
    return replace(views, masks=masks)


def consistent_masks(views: Views, certain: Tensor, progress: Progress | None = None) -> Tensor:
    """Masks [V,1,H,W] of `views` on which all views agree; those of `certain` [V] bool only vote.

    Returns the masks as they are if the views' hull would be empty: then cameras or masks are no guide.
    """
    progress = progress or Progress()
    progress.start("Comparing masks", len(views))
    others = _others_logit(views, progress)
    if not bool((others > 0).flatten(1).any(1).all()):
        log.warning("the masks of the views have no point in common; they are used as they were found")
        return views.masks
    against, supporting = _widest(others).clamp_max(0), (-_widest(-others)).clamp_min(0)
    agreed = (_logit(views.masks) + DROP * against + FILL * supporting).sigmoid()
    return torch.where(certain[:, None, None, None], views.masks, agreed * (views.masks > 0))


def _others_logit(views: Views, progress: Progress) -> Tensor:
    """For every pixel, the logit [V,1,H,W] of the best-supported point on its ray, as the other views vote."""
    masks, cameras = views.masks, ObjectFrame.of(views).cameras_into(views.cameras)
    axis = (torch.arange(GRID) + 0.5) / GRID * 2 - 1
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)  # x, y, z
    seen = torch.stack([_seen(cameras[view], masks[view], points) for view in range(len(views))])
    ordered = torch.nan_to_num(seen, nan=BEYOND).sort(dim=0)[0]
    within, planes = points.norm(dim=-1) < 1, []
    height, width = masks.shape[-2:]
    small = cameras.resized(*(max(1, round(n * min(1.0, SIDE / max(height, width)))) for n in (height, width)))
    for view in range(len(views)):
        progress.step()
        planes.append(_largest_on_rays(torch.where(within, _votes(ordered, seen[view]), 0.0), small[view]))
    logits = _logit(torch.stack(planes)[:, None])
    return F.interpolate(logits, (height, width), mode="bilinear", align_corners=False)


def _seen(camera: Cameras, mask: Tensor, points: Tensor) -> Tensor:
    """Mask values [N] of one view at points [N,3]; NaN where the picture does not show them."""
    pixels, depth = (part[0] for part in camera.project(points))
    at = pixels / pixels.new_tensor([camera.width, camera.height]) * 2 - 1
    found = F.grid_sample(mask[None], at[None, None], align_corners=False, padding_mode="border")[0, 0, 0]
    return torch.where((depth > 0) & (at.abs() <= 1).all(-1), found, torch.nan)


def _votes(ordered: Tensor, own: Tensor) -> Tensor:
    """What all views but one say of points: the mask value that a share `WRONG` of those who see a point stays below.

    ordered: all views' values [V,N], ascending, `BEYOND` where a view does not see a point. own: that view's [N].
    0 where fewer than a quarter of the others see a point: the object is what most pictures hold.
    """
    known = (ordered < BEYOND).sum(0) - (~own.isnan()).long()
    rank = (known * WRONG).long()
    value, after = (ordered.gather(0, (rank + more)[None].clamp_max(len(ordered) - 1))[0] for more in (0, 1))
    return torch.where(4 * known >= len(ordered) - 1, torch.where(own <= value, after, value), 0.0)


def _largest_on_rays(votes: Tensor, camera: Cameras) -> Tensor:
    """The largest of the grid's values [GRID^3] (x,y,z) on each pixel's ray [H,W]; 0 beside the grid."""
    origins, directions = (part[0].reshape(-1, 3) for part in camera.rays())
    middle = -(origins * directions).sum(-1, keepdim=True)  # distance at which a ray is closest to the centre
    offsets = torch.linspace(-1.75, 1.75, SAMPLES)
    volume = votes.view(1, 1, GRID, GRID, GRID)
    best = torch.zeros(len(origins))
    for start in range(0, len(origins), 8192):
        rows = slice(start, start + 8192)
        distance = (middle[rows] + offsets).clamp_min(0)
        at = origins[rows, None] + distance[..., None] * directions[rows, None]
        values = F.grid_sample(volume, at.flip(-1)[None, None], align_corners=False)  # grid_sample wants z, y, x
        best[rows] = values[0, 0, 0].amax(-1)
    return best.view(camera.height, camera.width)


def _widest(planes: Tensor) -> Tensor:
    """Largest value within the grid's reach of every pixel [V,1,H,W]: closer outlines than that are not compared."""
    reach = max(1, round(REACH * max(planes.shape[-2:])))
    return F.max_pool2d(planes, 2 * reach + 1, 1, reach)


def _logit(masks: Tensor) -> Tensor:
    return torch.logit(masks.clamp(1e-4, 1 - 1e-4)).clamp(-CERTAIN, CERTAIN)
