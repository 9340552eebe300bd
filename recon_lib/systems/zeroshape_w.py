"""ZeroShape-W: a raw photo to a textured mesh, as the paper's method section reads."""

from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..progress import Progress
from ..stages.meshing.extract import extract_mesh
from ..stages.meshing.texture import bake_texture
from ..stages.single_view.regress import complete_shape, visible_surface
from ..weights.registry import LoadedModel
from .options import Options
from .reconstruction import Reconstruction, timed


def reconstruct(
    image: Tensor,  # [1,3,H,W]
    model: LoadedModel,
    *,
    mask: Tensor | None = None,  # [1,1,H,W]
    depth: Tensor | None = None,  # [1,1,H,W]
    cameras: Cameras | None = None,
    options: Options | None = None,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Reconstruction:
    """Visible surface, complete shape, mesh (its largest part), texture; see `reconstruction.Reconstruct`.

    The method draws no random numbers and is over in seconds: seed and checkpoint are not used.
    """
    options, progress, seconds = options or Options(), progress or Progress(), {}
    with timed(seconds, "visible surface"):
        surface = visible_surface(model, image, mask, depth, device, progress, cameras=cameras)
    with timed(seconds, "complete shape"):
        shape = complete_shape(model, surface, device, progress)
    with timed(seconds, "extract"):
        extraction = extract_mesh(shape, options.resolution, largest=True, device=device, progress=progress)
    with timed(seconds, "texture"):
        mesh = bake_texture(extraction.mesh, surface.views, size=options.texture_size, progress=progress)
    report = {
        "field_evaluations": extraction.evaluations,
        "dense_evaluations": extraction.dense,
        "share_of_dense": round(extraction.evaluations / extraction.dense, 5),
    }
    return Reconstruction(mesh, surface.views, shape, seconds, report, surface)
