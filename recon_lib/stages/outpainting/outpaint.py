"""The unseen part of a view is painted, and what was seen stays as it was (after POP3D).

A painter sees a square window around the hull's silhouette, of a size of its own. Its answer is put back at full size,
its seam to the seen pixels is evened out, and the object gets its outline. Pictures painted elsewhere, by samplers
in the same graph for instance, are finished in the same way.
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
from .object_mask import drop_specks, object_on_paper
from .outlines import OUTLINES, PAINTED, SURFACE

log = logging.getLogger("recon3d")
SHARE = 0.85  # the hull's longer side over the window's side
FEATHER = 4.0  # pixels over which the painted region takes on the difference at its seam
SAME_SHAPE = 0.03  # by so much the proportions of a picture painted elsewhere may differ from the camera's


@dataclass(frozen=True)
class PainterInput:
    """An outpaint mask as a painter sees it: a square of S x S pixels around the hull. Each pixel is seen, to paint or
    neither.
    """

    images: Tensor  # [1,3,S,S] sRGB 0-1: seen colours, grey where they are to be painted, white elsewhere
    masks: Tensor  # [1,1,S,S] 0 or 1 = to be painted
    seen: Tensor  # [1,1,S,S] 0 or 1 = seen
    depth: Tensor  # [1,1,S,S] z-depth of the current surface, 0 = none
    normals: Tensor  # [1,3,S,S] of the current surface, unit, camera frame, 0 = none
    focal: Tensor  # [1] focal length in pixels of this square


class Painter(Protocol):
    """Paints what of a view nobody saw."""

    name: str  # for logs and checkpoints
    side: int  # S, the pixels of the square that it works on

    def paint(
        self, inputs: PainterInput, *, prompt: str, seed: int, progress: Progress
    ) -> tuple[Tensor, Tensor | None]:
        """-> picture [1,3,S,S] sRGB 0-1, CPU, and the object's alpha in it [1,1,S,S], or None if it knows none.

        With an alpha the picture is the object on white, blended by it. What the painter does to seen pixels and
        outside the region to be painted does not matter. It leaves no memory of the device in use.
        """
        ...


@dataclass(frozen=True)
class Painted:
    """A completed view."""

    image: Tensor  # [1,3,H,W] sRGB 0-1: seen pixels as they were, painted ones, white around the object
    mask: Tensor  # [1,1,H,W] 1 = object: all seen pixels, and painted ones within the hull
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
    """Complete the view of `outpaint_mask`: seen pixels come back bit-exact, the object stays within the hull's
    silhouette.

    outline: "surface" leaves the object the outline of the current surface, and the painter gives it colours; "painted"
    takes the painter's word for its shape too (`docs/pop3d.md` says what either is worth).
    A given `mask` is cut to the silhouette; what it leaves out and nobody saw counts as background. Nothing to paint is
    no error. Raises `BadInput` for more than one camera, a mask that does not fit, a painter's answer that is not
    finite, and when no object is left.
    """
    _check_outline(outline)
    progress, started = progress or Progress(), time.perf_counter()
    outpaint_mask = with_mask(_one(outpaint_mask), mask)
    if not outpaint_mask.masks.any():
        log.info("nothing is left to paint in this view")
        return _finished(outpaint_mask, outpaint_mask.images, outpaint_mask.seen, PAINTED)
    height, width = outpaint_mask.cameras.height, outpaint_mask.cameras.width
    crop = SquareCrop.around(outpaint_mask.silhouettes[0, 0], SHARE)
    image, alpha = painter.paint(
        painter_input(outpaint_mask, crop, painter.side), prompt=prompt, seed=seed, progress=progress
    )
    check_finite("The painted picture", image)
    image = crop.paste(image.float(), height, width, 1.0)
    if alpha is not None:
        alpha = crop.paste(alpha.float(), height, width, 0.0)
        image = 1 - (1 - image) / alpha.clamp_min(0.5)  # the object's own colour: no white shines through its outline
    painted = _finished(outpaint_mask, image.clamp(0, 1), alpha, outline)
    progress.check()
    log.info("painting %d pixels took %.2f s", int(outpaint_mask.masks.sum()), time.perf_counter() - started)
    return painted


def join_painted(
    outpaint_mask: OutpaintMask,  # of one camera
    image: Tensor,  # [1,3,h,w] sRGB 0-1
    mask: Tensor | None = None,  # [1,1,h,w] 1 = object
    outline: str = SURFACE,
) -> Painted:
    """A picture painted elsewhere, finished like `outpaint` finishes: any size, with the camera's proportions.

    A given `mask` is the object's outline, whatever `outline` says (see `outpaint`). Without one, the painted object is
    what differs from the background in the region to be painted. The background is known: it is what the painter left
    outside the hull, where nothing can be (see `painted_object.object_on_paper`).
    Raises `BadInput` for more than one picture or camera, other proportions, and when no object is left.
    """
    _check_outline(outline)
    outpaint_mask = _one(outpaint_mask)
    height, width = outpaint_mask.cameras.height, outpaint_mask.cameras.width
    image = _at_size("The painted picture", image, 3, height, width)
    if mask is None:
        return _finished(outpaint_mask, image, None, outline)
    return _finished(outpaint_mask, image, _at_size("The painted object's mask", mask, 1, height, width), PAINTED)


def pick(outpaint_mask: OutpaintMask, index: int) -> OutpaintMask:
    """The outpaint mask of one of its cameras, counted from 0 (from 1 in messages)."""
    if not 0 <= index < len(outpaint_mask.cameras):
        raise BadInput(
            f"There is no camera {index + 1} in this outpaint mask of {len(outpaint_mask.cameras)}; lower the number."
        )
    row = one_row(index, len(outpaint_mask.cameras))
    return replace(
        outpaint_mask, **{field.name: getattr(outpaint_mask, field.name)[row] for field in fields(outpaint_mask)}
    )


def with_mask(outpaint_mask: OutpaintMask, mask: Tensor | None) -> OutpaintMask:
    """The outpaint mask with another region [1,1,H,W] to be painted (None: its own); what it takes is no longer
    seen.
    """
    if mask is None:
        return outpaint_mask
    check_shape("The mask of what to paint", mask, 1, 1, outpaint_mask.cameras.height, outpaint_mask.cameras.width)
    paint = (mask.cpu() > 0.5) & (outpaint_mask.silhouettes > 0.5)
    seen = (outpaint_mask.seen > 0.5) & ~paint
    images = torch.where(seen, outpaint_mask.images, torch.where(paint, UNKNOWN, 1.0))
    return replace(outpaint_mask, masks=paint.float(), seen=seen.float(), images=images)


def painter_input(outpaint_mask: OutpaintMask, crop: SquareCrop, side: int) -> PainterInput:
    """What a painter is shown of one camera's outpaint mask in a square crop, at `side` x `side` pixels.

    A pixel is seen or to be painted, whichever covers more of it, where both together cover half of it.
    """
    colors, seen = crop.crop_masked(outpaint_mask.images, outpaint_mask.seen, side)
    masks = crop.crop_coverage(outpaint_mask.masks, side)
    within = seen + masks >= 0.5
    kept = within & (seen > masks)
    paint = within & ~kept
    surface = (outpaint_mask.depth > 0).float()
    depth, covered = crop.crop_masked(outpaint_mask.depth, surface, side)
    normals, _ = crop.crop_masked(outpaint_mask.normals, surface, side)
    hit = covered > 0.25
    return PainterInput(
        torch.where(kept, colors, torch.where(paint, UNKNOWN, 1.0)),
        paint.float(),
        kept.float(),
        depth * hit,
        F.normalize(normals, dim=1) * hit,
        crop.crop_intrinsics(outpaint_mask.cameras.intrinsics.cpu(), side)[:, 1, 1],
    )


def _finished(outpaint_mask: OutpaintMask, image: Tensor, alpha: Tensor | None, outline: str) -> Painted:
    """Seen pixels as they were, painted ones without a seam, white around; the object's mask.

    image [1,3,H,W] 0-1; alpha [1,1,H,W] 0-1 of the object in it, or None: look for it.
    """
    seen, paint = outpaint_mask.seen > 0.5, outpaint_mask.masks > 0.5
    drawn = object_on_paper(image, outpaint_mask.silhouettes > 0.5) if alpha is None else alpha > 0.5
    surface = outpaint_mask.depth > 0
    shape = surface if outline == SURFACE and (surface & paint).any() else drawn
    mask = drop_specks(shape & paint | seen) | seen
    mask |= ~drop_specks(~mask) & paint  # nor specks of background within the object: they would carve tunnels
    colored = mask & (drawn | seen)
    if not colored.any():
        raise BadInput("The painted view shows no object; paint again with another seed or prompt.")
    if not torch.equal(colored, mask):  # the painter left background where the surface is
        image = continued(torch.where(seen, outpaint_mask.images, image), colored)
    painted = _seam_evened(image, outpaint_mask.images, seen)
    image = torch.where(seen, outpaint_mask.images, torch.where(mask, painted, 1.0))
    return Painted(image, mask.float(), outpaint_mask.cameras)


def _seam_evened(painted: Tensor, known: Tensor, seen: Tensor) -> Tensor:
    """The painted picture, shifted near the seen pixels by what it differs from them there.

    The difference is carried over the seam as its Gaussian mean and fades within `FEATHER` pixels, so that no seen
    pixel has to change. painted, known [1,3,H,W]; seen [1,1,H,W] bool.
    """
    from scipy.ndimage import gaussian_filter

    def smooth(layer: Tensor) -> Tensor:
        sigma = (0, 0, FEATHER / 2, FEATHER / 2)
        return torch.from_numpy(gaussian_filter(layer.numpy(), sigma, mode="constant", truncate=2.0))

    share = smooth(seen.float())
    difference = smooth((known - painted) * seen) / share.clamp_min(0.5)  # a straight seam has a share of one half
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
    if abs(rows * width / (columns * height) - 1) > SAME_SHAPE:
        raise BadInput(
            f"{what} is {columns}x{rows} but its camera {width}x{height} pixels; give a picture of its proportions."
        )
    picture = picture.detach().float().cpu()
    if (rows, columns) == (height, width):
        return picture
    return F.interpolate(picture, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
