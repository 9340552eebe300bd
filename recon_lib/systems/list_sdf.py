"""LIST: a photo to coarse points, a signed distance and a mesh that stands upright (Arshad and Beksi, ICCV 2023)."""

from pathlib import Path

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..progress import Progress
from ..stages.meshing.extract import extract_mesh
from ..stages.meshing.texture import bake_texture
from ..stages.single_view.mask import segment
from ..stages.single_view.stand_upright import on_ground
from ..stages.single_view.upright_shape import fitted_camera, held_to_silhouette, upright_shape
from ..weights.registry import LoadedModel, load_model
from .list_sdf_options import Options
from .reconstruction import Reconstruction, timed

MASK_MODEL = "zeroshape_w_mini"  # finds the object where no mask is given: LIST knows masked objects alone


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
    """Coarse points, signed distance, mesh (its largest part), texture; see `reconstruction.Reconstruct`.

    The world is the upright frame of the photo. The method knows no depth and no camera, so that those are not used;
    the texture is projected by the camera that its spatial transformer estimates, fitted to the mask. It draws no
    random numbers and is over in seconds: seed and checkpoint are not used.
    """
    options, progress, seconds = options or Options(), progress or Progress(), {}
    occluder = None
    if mask is None:
        with timed(seconds, "mask"):
            found = segment(load_model(MASK_MODEL), image, device, progress)
            mask, occluder = found.object, found.occluder
    with timed(seconds, "upright shape"):
        shape = upright_shape(model, image, mask, device=device, progress=progress, occluder=occluder)
        shape = held_to_silhouette(shape, progress)
    with timed(seconds, "extract"):
        extraction = extract_mesh(shape.field, options.resolution, largest=True, device=device, progress=progress)
    mesh, views = extraction.mesh, shape.views
    if views is not None:
        with timed(seconds, "texture"):
            views = views if bool((shape.occluder > 0.5).any()) else fitted_camera(views, mesh)
            mesh = bake_texture(mesh, views, size=options.texture_size, progress=progress)
    report = {
        "elevation_roll_degrees": shape.angles,
        "coarse_points": len(shape.points),
        "field_evaluations": extraction.evaluations,
        "dense_evaluations": extraction.dense,
        "share_of_dense": round(extraction.evaluations / extraction.dense, 5),
    }
    mesh = on_ground(mesh) if options.on_ground else mesh
    return Reconstruction(mesh, views, shape.field, seconds, report)
