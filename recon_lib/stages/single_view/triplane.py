"""G3DR's one pass: a picture and its depth to a radiance field of the whole object."""

from typing import Any

import torch
from torch import Tensor

from ...errors import BadInput
from ...fields.decoded import move
from ...fields.triplane import TriplaneField, box_bounds
from ...memory import explain_oom
from ...networks.g3dr.frame import CameraBox
from ...networks.g3dr.triplanes import KnotPlanes
from ...parsing import number
from ...progress import Progress
from ...views.views import Views
from ...weights.registry import LoadedModel
from .object_crop import object_crop

LEVEL = 0.25  # optical depth of one texel of a plane at the surface; near the best of six on 18 training objects
LEVELS = (0.01, 10.0)  # least and most of it
FEATURE_PIXELS = 1.5  # of the network's picture; no part is thinner
MIN_VISIBLE_PIXELS = 16  # of the network


@explain_oom("finding the triplane", "compute on the CPU")
@torch.no_grad()
def views_to_triplane(
    model: LoadedModel,
    views: Views,
    level: float = LEVEL,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> TriplaneField:
    """The radiance field, in the views' world, of the object in their first view: picture, mask, camera and z-depth.

    level: optical depth of a texel from which on matter counts as solid, where a surface is extracted. Raises
    `BadInput` for views without depth, a mask with too little depth in it, and another model.
    """
    progress = progress or Progress()
    network: Any = model.module
    if not hasattr(network, "planes") or not hasattr(network, "input_spec"):
        raise BadInput(f"{model.card.name} makes no triplane of a photo; load a G3DR model of size mini.")
    if views.depth is None:
        raise BadInput("The views have no depth; connect those of Visible Surface.")
    level = number(level, "The level", *LEVELS)
    progress.start("triplane", 1)
    views = views[:1]
    size, crop = network.input_spec.size, object_crop(views.masks)
    valid = ((views.masks > 0.5) & (views.depth > 0)).float()
    depth, coverage = crop.crop_masked(views.depth, valid, size)
    mask = (coverage > 0.5).float()
    if mask.sum() < MIN_VISIBLE_PIXELS:
        raise BadInput("Too little of the object has depth to reconstruct it; give a larger picture, mask or depth.")
    intrinsics = crop.crop_intrinsics(views.cameras.intrinsics, size)
    box = CameraBox.of(intrinsics, depth * mask, mask)
    planes = _planes(
        network.to(device), crop.crop(views.images, size).to(device), mask, box.relief(depth * mask), device
    )
    matrix = box.matrix[0].double() @ torch.linalg.inv(views.cameras.camera_to_world[0].double())
    half, focal = float(box.half), float(intrinsics[0, 0, 0])
    progress.step()
    return TriplaneField(
        network.decoder,
        planes,
        matrix.float(),
        box_bounds(matrix),
        scale=network.config.density_scale / half,
        level=level * (network.config.plane_size / 2) / half,
        min_feature_size=FEATURE_PIXELS * float(box.middle) / focal,
    )


def _planes(network: Any, image: Tensor, mask: Tensor, relief: Tensor, device: torch.device | str) -> KnotPlanes:
    """The knots of the planes, on the CPU."""
    planes = network.planes(image, mask.to(device), relief.to(device))
    config = network.config
    return move(KnotPlanes.of(network.decoder.on_planes(planes), config.axes, config.levels), "cpu")
