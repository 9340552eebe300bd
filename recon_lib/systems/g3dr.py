"""G3DR: a photo and its depth to a triplane, a mesh and its colours (Reddy et al., CVPR 2024)."""

from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..progress import Progress
from ..stages.meshing.extract import extract_mesh
from ..stages.meshing.texture import bake_texture
from ..stages.single_view.regress import visible_surface
from ..stages.single_view.triplane import views_to_triplane
from ..weights.registry import LoadedModel, load_model
from .g3dr_options import Options
from .reconstruction import Reconstruction, timed

SURFACE_MODEL = "zeroshape_w_mini"  # finds mask, depth and camera where they are not given: G3DR starts from them


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
    """Visible surface, triplane, mesh (its largest part), texture; see `reconstruction.Reconstruct`.

    Where the photo shows nothing, the texture goes on from where it does: trained on single views, the triplane has the
    background's white there. The method draws no random numbers and is over in seconds: seed and checkpoint are not
    used.
    """
    options, progress, seconds = options or Options(), progress or Progress(), {}
    with timed(seconds, "visible surface"):
        surface = visible_surface(load_model(SURFACE_MODEL), image, mask, depth, device, progress, cameras=cameras)
    with timed(seconds, "triplane"):
        field = views_to_triplane(model, surface.views, options.density_level, device, progress)
    with timed(seconds, "extract"):
        extraction = extract_mesh(field, options.resolution, largest=True, progress=progress)
    with timed(seconds, "texture"):
        mesh = bake_texture(extraction.mesh, surface.views, size=options.texture_size, progress=progress)
    report = {
        "field_evaluations": extraction.evaluations,
        "dense_evaluations": extraction.dense,
        "share_of_dense": round(extraction.evaluations / extraction.dense, 5),
    }
    return Reconstruction(mesh, surface.views, field, seconds, report, surface)
