"""ZeroShape-W: a raw photo to a textured mesh, as the paper's method section reads."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..fields.decoded import DecodedField
from ..meshes.mesh import Mesh
from ..progress import Progress
from ..stages.meshing.extract import extract_mesh
from ..stages.meshing.texture import bake_texture
from ..stages.single_view.regress import VisibleSurface, complete_shape, visible_surface
from ..weights.registry import LoadedModel

log = logging.getLogger("recon3d")


@dataclass(frozen=True)
class Reconstruction:
    """The mesh and everything on the way to it."""

    mesh: Mesh
    surface: VisibleSurface
    field: DecodedField
    seconds: dict[str, float]  # by stage
    report: dict = field(default_factory=dict)  # field evaluations and the like


def reconstruct(
    image: Tensor,  # [1,3,H,W]
    model: LoadedModel,
    *,
    mask: Tensor | None = None,  # [1,1,H,W]
    depth: Tensor | None = None,  # [1,1,H,W]
    resolution: int = 256,
    texture_size: int = 1024,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Reconstruction:
    """Visible surface, complete shape, mesh (its largest part), texture. The mesh lies in the view-aligned world frame.

    The method draws no random numbers; `seed` is taken so that all systems are called alike.
    """
    progress, seconds = progress or Progress(), {}
    with timed(seconds, "visible surface"):
        surface = visible_surface(model, image, mask, depth, device, progress)
    with timed(seconds, "complete shape"):
        shape = complete_shape(model, surface, device, progress)
    with timed(seconds, "extract"):
        extraction = extract_mesh(shape, resolution, largest=True, device=device, progress=progress)
    with timed(seconds, "texture"):
        mesh = bake_texture(extraction.mesh, surface.views, size=texture_size, progress=progress)
    report = {
        "field_evaluations": extraction.evaluations,
        "dense_evaluations": extraction.dense,
        "share_of_dense": round(extraction.evaluations / extraction.dense, 5),
    }
    return Reconstruction(mesh, surface, shape, seconds, report)


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add how long the block took, in seconds, to the stage in `seconds`, and log it."""
    start = time.perf_counter()
    yield
    took = time.perf_counter() - start
    seconds[stage] = round(seconds.get(stage, 0.0) + took, 3)
    log.info("%s: %.2f s", stage, took)
