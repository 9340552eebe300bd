"""Pose refinement: cameras that are about right, brought to what masks and colours of all views agree on.

First the cameras are adjusted to the outlines alone, which needs no surface (`outlines`). Then in turns, as in BARF
(Lin et al. 2021) but with Gauss-Newton steps in place of gradient descent: the visual hull is made with the present
cameras (a field that is fitted with wrong cameras holds them there), and all cameras are adjusted against it at once
(`adjust`). A hull of wrong cameras is too small, so its rims count for little beside the outlines' tangents.
"""

import logging
from dataclasses import dataclass, field, replace

import torch

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...progress import Progress
from ...views.object_frame import ObjectFrame
from ...views.views import Views
from ..evaluation.cameras import align_cameras, transformed
from ..fitting.rays import check_views, reduced
from .adjust import Evidence, adjust
from .agreement import agreement
from .aim import aimed
from .descent import AdjustSettings
from .outlines import adjust_to_outlines
from .pictures import Pictures
from .surface import hull_surface, sample_surface
from .tangency import Outlines, usable_pairs

log = logging.getLogger("recon3d")
TITLE = "Refine poses"
GUARD = 128, 64  # pixels and nodes at which masks are asked whether cameras have become better


@dataclass(frozen=True)
class PoseRound:
    """One surface and the adjustment of all cameras against it."""

    side: int  # pixels, longest side of the pictures
    blur: float  # pixels of these
    nodes: int  # a side of the surface's grid
    margin: float  # pixels by which masks are widened for the hull
    pose: float  # how far cameras may be from the given ones: radians, and parts of their distance


@dataclass(frozen=True)
class PoseSettings:
    """The defaults bring a dozen views back that are off by a few degrees and per cent."""

    rounds: tuple[PoseRound, ...] = (
        PoseRound(128, 1.0, 64, 0.7, 0.03),
        *[PoseRound(192, 1.0, 96, 0.5, 0.03)] * 3,
    )
    aim: bool = True  # turn the cameras to the masks' middles first
    focal: bool = True  # adjust the focal length
    own_focal: bool = False  # a focal length for each view; otherwise a factor that all share
    slack: float = 1.0  # factor of the rounds' `pose`: more for poses that are guessed roughly
    points: int = 400  # of the surface for each view
    rims: int = 50  # points of each view's outline
    adjust: AdjustSettings = field(default_factory=AdjustSettings)

    def how(self, pose: float) -> AdjustSettings:
        """Settings of an adjustment whose cameras may be so far from the expected ones, but for the slack."""
        focal = self.adjust.focal if self.focal else 1e-6
        return replace(self.adjust, pose=self.slack * pose, focal=focal, own_focal=self.own_focal)


def refine_poses(
    views: Views, *, settings: PoseSettings | None = None, seed: int = 0, progress: Progress | None = None
) -> Views:
    """The views with cameras that fit their masks and pictures: six degrees of freedom a view and the focal length.

    Cameras whose masks agree less than those of the given ones (`agreement`) are not taken: then the views stay as they
    were, and the log says so. World, scale and origin stay: of all similarities, which pictures cannot tell, the result
    has the one that takes its cameras closest to the given ones. Depth and normals are kept as they are. Computed on
    the CPU; the same seed and input give the same cameras.
    Raises `BadInput` for fewer than three views, for masks that are empty or cover everything, for NaN, and for cameras
    so far off that the masks have no point in common.
    """
    settings, progress = settings or PoseSettings(), progress or Progress()
    check_views(views)
    if len(views) < 3:
        raise BadInput(f"{len(views)} views do not determine their cameras; give three or more, better eight.")
    frame = ObjectFrame.of(views)
    work = replace(frame.views_into(views), depth=None, normals=None, provenance=None)
    given = work.cameras
    if settings.aim:
        work = replace(work, cameras=aimed(work))
    outlines, generator = Outlines.of(views.masks), torch.Generator().manual_seed(seed % 2**63)
    progress.start(TITLE, len(settings.rounds))
    with torch.no_grad():
        how = settings.how(settings.adjust.pose)
        work = replace(work, cameras=adjust_to_outlines(work.cameras, outlines, how, progress.check))
        expected = work.cameras
        for current in settings.rounds:
            work = replace(work, cameras=_round(work, expected, outlines, current, settings, generator, progress))
            progress.step()
    found, before = (agreement(replace(work, cameras=c), progress.check, *GUARD) for c in (work.cameras, given))
    if found < before:
        log.warning("poses stay as they are: refined ones fit the masks less (%.3f, given ones %.3f)", found, before)
        return views
    cameras = transformed(work.cameras, align_cameras(work.cameras, given))
    moved_by = (cameras.position - given.position).norm(dim=-1).max()
    log.info("refined %d poses; the farthest moved by %.3f of the object's radius", len(views), moved_by)
    return replace(views, cameras=frame.views_out(replace(work, cameras=cameras)).cameras)


def _round(
    views: Views,
    expected: Cameras,
    outlines: Outlines,
    current: PoseRound,
    settings: PoseSettings,
    generator: torch.Generator,
    progress: Progress,
) -> Cameras:
    """The cameras after one round."""
    small = reduced(views, current.side)
    height, width = small.images.shape[-2:]
    surface = hull_surface(small, current.nodes, current.margin, progress)
    points = sample_surface(surface, small.cameras, settings.points, settings.rims, generator)
    how = settings.how(current.pose)
    pictures = Pictures.of(small, current.blur, progress.check)
    pairs = usable_pairs(small.cameras, outlines)
    evidence = Evidence(pictures, points, outlines, pairs, expected.resized(height, width))
    cameras = adjust(small.cameras, evidence, how, progress.check)
    return cameras.resized(views.cameras.height, views.cameras.width)
