"""Outpainting of a view: its unseen part is painted, and what was seen stays as it was (after POP3D).

A painter sees a square crop around the hull's silhouette, at a resolution of its own. Its picture is pasted back at
full size, the seam to the seen pixels is blended, and the object gets its outline. Pictures painted elsewhere, for
instance by samplers in the same graph, are completed in the same way.
"""

import logging
import time
from dataclasses import dataclass, fields, replace
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras, one_row
from ...check import check_finite, check_shape
from ...errors import BadInput
from ...memory import explain_oom
from ...progress import Progress
from ...render.fill import continued
from ...views.square_crop import SquareCrop
from .mask import UNKNOWN, OutpaintMask
from .object_mask import remove_small_components, segment_on_background
from .outlines import OUTLINES, PAINTED, SURFACE

log = logging.getLogger("recon3d")
HULL_SHARE = 0.85  # the hull's longer side over the crop's side
FEATHER_PX = 4.0  # pixels over which the colour difference at the seam fades in the painted region
ASPECT_TOLERANCE = 0.03  # relative difference of aspect ratio between a picture painted elsewhere and its camera


@dataclass(frozen=True)
class PainterInput:
    """Input of a painter: an outpaint mask in a square of S x S pixels around the hull.

    Each pixel is seen, to be painted, or neither.
    """

    images: Tensor  # [1,3,S,S] sRGB 0-1: seen colours, grey where the mask is 1, white elsewhere
    masks: Tensor  # [1,1,S,S] 0 or 1 = to be painted
    seen: Tensor  # [1,1,S,S] 0 or 1 = seen
    depth: Tensor  # [1,1,S,S] z-depth of the current surface, 0 = none
    normals: Tensor  # [1,3,S,S] of the current surface, unit, camera frame, 0 = none
    focal: Tensor  # [1] focal length in pixels of this square


class Painter(Protocol):
    """Paints the unseen part of a view."""

    name: str  # for logs and checkpoints
    side: int  # S, the pixels of the square that it works on

    def paint(
        self, inputs: PainterInput, *, prompt: str, seed: int, progress: Progress
    ) -> tuple[Tensor, Tensor | None]:
        """Picture [1,3,S,S] sRGB 0-1, CPU, and the object's alpha in it [1,1,S,S], or None if the painter has none.

        With an alpha, the picture is the object blended with white. Pixels outside the mask may have any value: they
        are replaced. The painter frees the memory that it used on the device.
        """
        ...


@dataclass(frozen=True)
class Painted:
    """A completed view."""

    image: Tensor  # [1,3,H,W] sRGB 0-1: seen pixels as they were, painted ones, white around the object
    mask: Tensor  # [1,1,H,W] 1 = object: all seen pixels, and painted pixels within the hull
    cameras: Cameras  # one


@explain_oom("painting the unseen part of a view", "let the painter work on a smaller square, or on the CPU")
def outpaint(
    painter: Painter,
    outpaint_mask: OutpaintMask,  # of one camera
    *,
    prompt: str = "",
    seed: int = 0,
    mask: Tensor | None = None,  # [1,1,H,W] 1 = to be painted, in place of the outpaint mask's own
    outline: str = SURFACE,
    progress: Progress | None = None,
) -> Painted:
    """Completed view of `outpaint_mask`: seen pixels are kept bit-exact, the object stays within the hull's silhouette.

    outline: with "surface" the object has the outline of the current surface, and the painter gives it colours; with
    "painted" its outline is the painter's too (`docs/pop3d.md` compares the two).
    A given `mask` is cut to the silhouette; unseen pixels outside it count as background. Nothing to paint is
    no error. Raises `BadInput` for more than one camera, a mask that does not fit, a painted picture that is not
    finite, and when no object is left.
    """
    _check_outline(outline)
    progress, started = progress or Progress(), time.perf_counter()
    outpaint_mask = with_mask(_one(outpaint_mask), mask)
    if not outpaint_mask.masks.any():
        log.info("nothing is left to paint in this view")
        return _completed(outpaint_mask, outpaint_mask.images, outpaint_mask.seen, PAINTED)
    height, width = outpaint_mask.cameras.height, outpaint_mask.cameras.width
    crop = SquareCrop.around(outpaint_mask.silhouettes[0, 0], HULL_SHARE)
    image, alpha = painter.paint(
        painter_input(outpaint_mask, crop, painter.side), prompt=prompt, seed=seed, progress=progress
    )
    check_finite("The painted picture", image)
    image = crop.paste(image.float(), height, width, 1.0)
    if alpha is not None:
        alpha = crop.paste(alpha.float(), height, width, 0.0)
        image = 1 - (1 - image) / alpha.clamp_min(0.5)  # the object's own colour, without the white in its outline
    painted = _completed(outpaint_mask, image.clamp(0, 1), alpha, outline)
    progress.check()
    log.info("painting %d pixels took %.2f s", int(outpaint_mask.masks.sum()), time.perf_counter() - started)
    return painted


def join_painted(
    outpaint_mask: OutpaintMask,  # of one camera
    image: Tensor,  # [1,3,h,w] sRGB 0-1
    mask: Tensor | None = None,  # [1,1,h,w] 1 = object
    outline: str = SURFACE,
) -> Painted:
    """Completed view of a picture painted elsewhere: any size, with the camera's aspect ratio.

    A given `mask` is the object's outline, whatever `outline` is (see `outpaint`). Without one, the painted object is
    what differs from the background in the region to be painted. The background is known: it is what the painter left
    outside the hull, where no object can be (see `object_mask.segment_on_background`).
    Raises `BadInput` for more than one picture or camera, another aspect ratio, and when no object is left.
    """
    _check_outline(outline)
    outpaint_mask = _one(outpaint_mask)
    height, width = outpaint_mask.cameras.height, outpaint_mask.cameras.width
    image = _at_size("The painted picture", image, 3, height, width)
    if mask is None:
        return _completed(outpaint_mask, image, None, outline)
    return _completed(outpaint_mask, image, _at_size("The painted object's mask", mask, 1, height, width), PAINTED)


def pick(outpaint_mask: OutpaintMask, index: int) -> OutpaintMask:
    """Outpaint mask of one of its cameras; `index` counts from 0 (from 1 in messages)."""
    if not 0 <= index < len(outpaint_mask.cameras):
        raise BadInput(
            f"There is no camera {index + 1} in this outpaint mask of {len(outpaint_mask.cameras)}; lower the number."
        )
    row = one_row(index, len(outpaint_mask.cameras))
    return replace(
        outpaint_mask, **{field.name: getattr(outpaint_mask, field.name)[row] for field in fields(outpaint_mask)}
    )


def with_mask(outpaint_mask: OutpaintMask, mask: Tensor | None) -> OutpaintMask:
    """Outpaint mask with another region [1,1,H,W] to be painted (None: its own), whose pixels count as unseen."""
    if mask is None:
        return outpaint_mask
    check_shape("The mask of what to paint", mask, 1, 1, outpaint_mask.cameras.height, outpaint_mask.cameras.width)
    paint = (mask.cpu() > 0.5) & (outpaint_mask.silhouettes > 0.5)
    seen = (outpaint_mask.seen > 0.5) & ~paint
    images = torch.where(seen, outpaint_mask.images, torch.where(paint, UNKNOWN, 1.0))
    return replace(outpaint_mask, masks=paint.float(), seen=seen.float(), images=images)


def painter_input(outpaint_mask: OutpaintMask, crop: SquareCrop, side: int) -> PainterInput:
    """Painter's input for one camera's outpaint mask: a square crop at `side` x `side` pixels.

    A pixel is seen or to be painted, whichever covers more of it, where both together cover at least half of it.
    """
    colors, seen = crop.crop_masked(outpaint_mask.images, outpaint_mask.seen, side)
    masks = crop.crop_coverage(outpaint_mask.masks, side)
    within = seen + masks >= 0.5
    seen_mask = within & (seen > masks)
    paint = within & ~seen_mask
    surface = (outpaint_mask.depth > 0).float()
    depth, covered = crop.crop_masked(outpaint_mask.depth, surface, side)
    normals, _ = crop.crop_masked(outpaint_mask.normals, surface, side)
    hit = covered > 0.25
    return PainterInput(
        torch.where(seen_mask, colors, torch.where(paint, UNKNOWN, 1.0)),
        paint.float(),
        seen_mask.float(),
        depth * hit,
        F.normalize(normals, dim=1) * hit,
        crop.crop_intrinsics(outpaint_mask.cameras.intrinsics.cpu(), side)[:, 1, 1],
    )


def _completed(outpaint_mask: OutpaintMask, image: Tensor, alpha: Tensor | None, outline: str) -> Painted:
    """Completed view: seen pixels as they were, painted pixels blended at the seam, white around the object; its mask.

    image [1,3,H,W] 0-1; alpha [1,1,H,W] 0-1 of the object in it, or None: the object is segmented.
    """
    seen, paint = outpaint_mask.seen > 0.5, outpaint_mask.masks > 0.5
    drawn = segment_on_background(image, outpaint_mask.silhouettes > 0.5) if alpha is None else alpha > 0.5
    surface = outpaint_mask.depth > 0
    shape = surface if outline == SURFACE and (surface & paint).any() else drawn
    mask = remove_small_components(shape & paint | seen) | seen
    mask |= ~remove_small_components(~mask) & paint  # small holes in the object too: they would carve tunnels
    colored = mask & (drawn | seen)
    if not colored.any():
        raise BadInput("The painted view shows no object; paint again with another seed or prompt.")
    if not torch.equal(colored, mask):  # the painter left background where the surface is
        image = continued(torch.where(seen, outpaint_mask.images, image), colored)
    painted = _blended_at_seam(image, outpaint_mask.images, seen)
    image = torch.where(seen, outpaint_mask.images, torch.where(mask, painted, 1.0))
    return Painted(image, mask.float(), outpaint_mask.cameras)


def _blended_at_seam(painted: Tensor, seen_image: Tensor, seen: Tensor) -> Tensor:
    """The painted picture, corrected near the seen pixels by its colour difference from them.

    The difference is carried over the seam as its Gaussian mean and fades within `FEATHER_PX` pixels, so that no seen
    pixel has to change. painted, seen_image [1,3,H,W]; seen [1,1,H,W] bool.
    """
    from scipy.ndimage import gaussian_filter

    def smooth(layer: Tensor) -> Tensor:
        sigma = (0, 0, FEATHER_PX / 2, FEATHER_PX / 2)
        return torch.from_numpy(gaussian_filter(layer.numpy(), sigma, mode="constant", truncate=2.0))

    coverage = smooth(seen.float())
    difference = smooth((seen_image - painted) * seen) / coverage.clamp_min(0.5)  # coverage at a straight seam is 1/2
    return (painted + difference).clamp(0, 1)


# -- what can be wrong ----------------------------------------------------------------------------------------


def _check_outline(outline: str) -> None:
    if outline not in OUTLINES:
        raise BadInput(f"There is no outline {outline!r}; use {SURFACE} or {PAINTED}.")


def _one(outpaint_mask: OutpaintMask) -> OutpaintMask:
    if len(outpaint_mask.cameras) != 1:
        count = len(outpaint_mask.cameras)
        raise BadInput(f"The outpaint mask has {count} cameras, but views are painted one by one; pick one of them.")
    return outpaint_mask


def _at_size(what: str, picture: Tensor, channels: int, height: int, width: int) -> Tensor:
    """One picture [1,channels,h,w] at the camera's size, float32, CPU."""
    check_shape(what, picture, 1, channels, "H", "W")
    check_finite(what, picture)
    rows, columns = picture.shape[-2:]
    if abs(rows * width / (columns * height) - 1) > ASPECT_TOLERANCE:
        raise BadInput(
            f"{what} is {columns}x{rows} but its camera {width}x{height} pixels; give a picture of its aspect ratio."
        )
    picture = picture.detach().float().cpu()
    if (rows, columns) == (height, width):
        return picture
    return F.interpolate(picture, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
