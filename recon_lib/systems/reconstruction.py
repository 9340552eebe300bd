"""Reconstruction: what every system returns, and how every system is called."""

import dataclasses
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..fields.field import Field
from ..meshes.mesh import Mesh
from ..progress import Progress
from ..stages.outpainting.mask import OutpaintMask
from ..stages.single_view.regress import VisibleSurface
from ..views.views import Views
from ..weights.registry import LoadedModel
from .options import Options

log = logging.getLogger("recon3d")


@dataclass(frozen=True)
class Reconstruction:
    """The textured mesh and what led to it."""

    mesh: Mesh
    views: Views  # the photo's first, then those that were painted
    field: Field
    seconds: dict[str, float]  # by stage; of a loop's stages the sum over cameras
    report: dict = dataclasses.field(default_factory=dict)  # figures of the run, for JSON
    surface: VisibleSurface | None = None  # of the photo, where the system estimates one
    outpaint_masks: tuple[OutpaintMask, ...] = ()  # what each painted view lacked; those before a resumed run are gone


class Reconstruct(Protocol):
    """A system: photo to textured mesh, in the view-aligned world frame."""

    def __call__(
        self,
        image: Tensor,  # [1,3,H,W] sRGB 0-1
        model: LoadedModel,
        *,
        mask: Tensor | None = None,  # [1,1,H,W] 1 = object; None: predicted
        depth: Tensor | None = None,  # [1,1,H,W] z-depth, any scale, 0 = unknown; None: predicted
        cameras: Cameras | None = None,  # one, whose lens took the photo; None: found or assumed
        options: Options | None = None,
        checkpoint: Path | None = None,  # a file from which a long run goes on after a crash
        device: torch.device | str = "cpu",
        progress: Progress | None = None,
    ) -> Reconstruction: ...


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add how long the block took, in seconds, to the stage in `seconds`, and log it."""
    start = time.perf_counter()
    yield
    duration = time.perf_counter() - start
    seconds[stage] = round(seconds.get(stage, 0.0) + duration, 3)
    log.info("%s: %.2f s", stage, duration)
