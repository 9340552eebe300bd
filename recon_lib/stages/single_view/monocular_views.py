"""Monocular views: images with masks, depth, normals and cameras, as networks estimate them."""

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...progress import Progress
from ...views.prepare import prepare_image
from ...views.views import Views
from ...weights.pipelines import PipelineFolder
from ...weights.registry import LoadedModel
from .depth_external import aligned_depth, predict
from .depth_normal import estimate_depth_normals, normals_from_depth
from .mask import segment


def monocular_views(
    model: LoadedModel,
    images: Tensor,  # [V,3,H,W] sRGB 0-1
    masks: Tensor | None = None,  # [V,1,H,W] 1 = object; None: the model's own
    *,
    estimator: PipelineFolder | None = None,  # a local depth or normals model in place of the loaded one
    cameras: Cameras | None = None,  # V, or one for all, whose lenses took the images
    seed: int = 0,  # of diffusion estimators
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Views:
    """Estimate each image by itself. Without cameras the loaded model says the lens; the depth's scale is its own."""
    progress, images = progress or Progress(), prepare_image(images)
    if masks is None:
        masks = segment(model, images, device, progress).object
    estimate = estimate_depth_normals(model, images, masks, device, progress, cameras=cameras)
    depth, normals = estimate.depth, estimate.normals
    if estimator is not None:
        values = predict(estimator, images, seed=seed, device=device, progress=progress)
        if estimator.kind == "normals":
            normals = values
        else:
            depth = aligned_depth(values, estimator.kind, depth, masks)
            normals = normals_from_depth(depth, estimate.cameras)
    return Views(images, estimate.cameras, masks, depth, normals)
