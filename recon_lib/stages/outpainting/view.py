"""A painted picture becomes a view: with depth and normals that fit the current surface, and marked as painted."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...check import check_shape
from ...errors import BadInput
from ...progress import Progress
from ...provenance import Provenance
from ...views.views import Views
from ...weights.registry import LoadedModel
from ..single_view.depth_normal import estimate_depth_normals
from .mask import OutpaintMask

UNSEEN_WEIGHT = 0.1  # of a pixel whose surface nobody saw, against one that was seen, when depth is aligned
STRETCH = 3.0  # alignment makes relief at most so many times flatter or steeper than the network shows it


@dataclass(frozen=True)
class Cues:
    """What a monocular network says about painted pictures."""

    depth: Tensor  # [V,1,H,W] z-depth, any scale, > 0 on the object
    normals: Tensor  # [V,3,H,W] unit, camera frame
    focal: Tensor  # [V] pixels, the lens that the depth was estimated with


def monocular_cues(
    model: LoadedModel,
    images: Tensor,  # [V,3,H,W]
    masks: Tensor,  # [V,1,H,W]
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Cues:
    """Depth and normals of painted pictures by the loaded network."""
    found = estimate_depth_normals(model, images, masks, device, progress)
    return Cues(found.depth, found.normals, found.cameras.intrinsics[:, 0, 0])


def painted_views(
    images: Tensor,  # [V,3,H,W] sRGB 0-1, painted
    masks: Tensor,  # [V,1,H,W] 1 = object in them
    outpaint_mask: OutpaintMask,  # of the same V cameras
    cues: Cues | None = None,
) -> Views:
    """Painted pictures as views of the object.

    Pixels that show what an earlier view saw are INFERRED (they came here by way of the current surface, whose depth
    and normals they keep); the others are OUTPAINTED, and have depth and normals of `cues`, aligned to the surface,
    or none without cues. MonoSDF (Yu et al. 2022, eq. 9) solves for scale and shift in its loss; here they are solved
    once, so that the view can be carried on like any other.
    """
    check_shape(
        "images", images, len(outpaint_mask.cameras), 3, outpaint_mask.cameras.height, outpaint_mask.cameras.width
    )
    check_shape("masks", masks, len(images), 1, *images.shape[-2:])
    if not (masks > 0.5).flatten(1).any(1).all():
        raise BadInput("The painted view shows no object; paint again with another seed or prompt.")
    on = masks > 0.5
    seen = (outpaint_mask.seen > 0.5) & on
    if cues is None:
        depth, normals = torch.zeros_like(outpaint_mask.depth), torch.zeros_like(outpaint_mask.normals)
    else:
        fitted = [_aligned(cues, outpaint_mask, on, i) for i in range(len(images))]
        depth, normals = torch.stack(fitted), F.normalize(cues.normals, dim=1)
    codes = torch.where(seen, int(Provenance.INFERRED), int(Provenance.OUTPAINTED))
    return Views(
        images,
        outpaint_mask.cameras,
        on.float(),
        torch.where(seen, outpaint_mask.depth, depth) * on,
        torch.where(seen, outpaint_mask.normals, normals) * on,
        torch.where(on, codes, int(Provenance.NONE)).to(torch.uint8),
    )


def _aligned(cues: Cues, outpaint_mask: OutpaintMask, on: Tensor, index: int) -> Tensor:
    """The cue's depth of one view, [1,H,W], in the scale and at the place of the surface."""
    lens = outpaint_mask.cameras.intrinsics[index, 0, 0]
    relief = cues.depth[index].clamp_min(1e-6).log() * (cues.focal[index] / lens)  # as this lens would show it
    known = (outpaint_mask.depth[index] > 0) & on[index] & (cues.depth[index] > 0)
    if int(known.sum()) < 16:
        raise BadInput("The painted object and the current surface do not meet in the picture; paint it again.")
    weight = torch.where(outpaint_mask.seen[index] > 0.5, 1.0, UNSEEN_WEIGHT)[known].double()
    weight = weight / weight.sum()
    source, target = relief[known].double(), outpaint_mask.depth[index][known].double().log()
    middle, place = (weight * source).sum(), (weight * target).sum()
    spread = source - middle
    steepness = (weight * spread * (target - place)).sum() / (weight * spread * spread).sum().clamp_min(1e-12)
    steepness = steepness.clamp(1 / STRETCH, STRETCH)
    return ((relief.double() - middle) * steepness + place).clamp(-6, 6).exp().float()
