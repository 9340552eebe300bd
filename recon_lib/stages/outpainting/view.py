"""Painted pictures as views, with depth and normals aligned to the current surface, and provenance codes."""

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

UNSEEN_WEIGHT = 0.1  # of an unseen pixel in the alignment of depth, relative to a seen one
MAX_STRETCH = 3.0  # alignment scales the network's relief by at most this factor, up or down


@dataclass(frozen=True)
class Cues:
    """Monocular cues of painted pictures."""

    depth: Tensor  # [V,1,H,W] z-depth, any scale, > 0 on the object
    normals: Tensor  # [V,3,H,W] unit, camera frame
    focal: Tensor  # [V] pixels, the focal length that the depth was estimated with


def monocular_cues(
    model: LoadedModel,
    images: Tensor,  # [V,3,H,W]
    masks: Tensor,  # [V,1,H,W]
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Cues:
    """Monocular cues of painted pictures from the loaded network."""
    estimate = estimate_depth_normals(model, images, masks, device, progress)
    return Cues(estimate.depth, estimate.normals, estimate.cameras.intrinsics[:, 0, 0])


def painted_views(
    images: Tensor,  # [V,3,H,W] sRGB 0-1, painted
    masks: Tensor,  # [V,1,H,W] 1 = object in them
    outpaint_mask: OutpaintMask,  # of the same V cameras
    cues: Cues | None = None,
) -> Views:
    """Painted pictures as views of the object.

    Pixels that show what an earlier view saw are INFERRED (they were projected by the current surface, whose depth
    and normals they keep); the others are OUTPAINTED, and have the depth and normals of `cues`, aligned to the surface,
    or none without cues. MonoSDF (Yu et al. 2022, eq. 9) solves for scale and shift in its loss; here they are solved
    once, so that the view can be used like any other.
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
        aligned = [_aligned(cues, outpaint_mask, on, i) for i in range(len(images))]
        depth, normals = torch.stack(aligned), F.normalize(cues.normals, dim=1)
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
    """Depth cue of one view, [1,H,W], aligned to the surface in log depth by weighted least squares."""
    focal = outpaint_mask.cameras.intrinsics[index, 0, 0]
    relief = cues.depth[index].clamp_min(1e-6).log() * (cues.focal[index] / focal)  # log depth at this focal length
    overlap = (outpaint_mask.depth[index] > 0) & on[index] & (cues.depth[index] > 0)
    if int(overlap.sum()) < 16:
        raise BadInput("The painted object and the current surface do not meet in the picture; paint it again.")
    weight = torch.where(outpaint_mask.seen[index] > 0.5, 1.0, UNSEEN_WEIGHT)[overlap].double()
    weight = weight / weight.sum()
    source, target = relief[overlap].double(), outpaint_mask.depth[index][overlap].double().log()
    source_mean, target_mean = (weight * source).sum(), (weight * target).sum()
    centred = source - source_mean
    steepness = (weight * centred * (target - target_mean)).sum() / (weight * centred * centred).sum().clamp_min(1e-12)
    steepness = steepness.clamp(1 / MAX_STRETCH, MAX_STRETCH)
    return ((relief.double() - source_mean) * steepness + target_mean).clamp(-6, 6).exp().float()
