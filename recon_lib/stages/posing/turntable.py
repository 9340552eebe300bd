"""Cameras of an object that was turned before a fixed camera, or walked around in even steps."""

from dataclasses import replace

import torch
from torch import Tensor

from ...cameras.turntable import turntable_cameras
from ...check import check_shape
from ...errors import BadInput
from ...progress import Progress
from ...views.views import Views
from .agreement import agreement
from .aim import aimed
from .refine import PoseSettings, refine_poses

ELEVATIONS = (0.0, 10.0, 20.0, 30.0, 45.0, 60.0)  # degrees that are tried
FOV = 35.0  # degrees, vertical: a phone's main lens has 40 to 70, a portrait lens 15 to 30


def turntable_views(
    images: Tensor,  # [V,3,H,W] sRGB 0-1
    masks: Tensor,  # [V,1,H,W] 0-1, 1 = object
    *,
    elevation: float | None = None,
    fov: float | None = None,
    clockwise: bool | None = None,
    refine: bool = True,
    settings: PoseSettings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Views:
    """Views of pictures at even steps around the vertical; the first one is the front.

    elevation: degrees, and clockwise: whether the camera goes to the left around the object (the object turns to the
    right); None: the ones whose hull fills the masks best. fov: vertical, degrees; None: 35, which the refinement
    adjusts. refine: whether poses and lens are refined (`refine_poses`) from there.
    Raises `BadInput` for fewer than three pictures and for shapes that differ.
    """
    check_shape("images", images, "V", 3, "H", "W")
    check_shape("masks", masks, len(images), 1, *images.shape[-2:])
    if len(images) < 3:
        raise BadInput(f"{len(images)} pictures are no turntable; give three or more, better 12 to 36.")
    progress = progress or Progress()
    tried = [
        (e, way)
        for e in (ELEVATIONS if elevation is None else (elevation,))
        for way in ((False, True) if clockwise is None else (clockwise,))
    ]
    guesses = [_guess(images, masks, e, FOV if fov is None else fov, way) for e, way in tried]
    best = guesses[0]
    if len(guesses) > 1:
        progress.start("Guess turntable", len(guesses))
        best = max(guesses, key=lambda views: _stepped(views, progress))
    return refine_poses(best, settings=settings, seed=seed, progress=progress) if refine else best


def _guess(images: Tensor, masks: Tensor, elevation: float, fov: float, clockwise: bool) -> Views:
    """Views on an even ring, turned to the masks' middles."""
    height, width = images.shape[-2:]
    ring = turntable_cameras(len(images), elevation=elevation, fov=fov, size=height)
    ring = ring.cropped((height - width) / 2, 0.0, width, height)
    order = torch.arange(len(images))
    views = Views(images.float(), ring[-order % len(images) if clockwise else order], masks.float())
    return replace(views, cameras=aimed(views))


def _stepped(views: Views, progress: Progress) -> float:
    score = agreement(views, progress.check)
    progress.step()
    return score
