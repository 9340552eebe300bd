"""Any system's result, turned so that it stands as the object does: up is +y, whatever the camera's tilt."""

from dataclasses import replace

import torch
from torch import Tensor

from ..cameras.upright import angles_from_up
from ..errors import BadInput
from ..progress import Progress
from ..stages.single_view.upright_shape import turned_upright, upright_shape, view_to_upright
from ..weights.registry import load_model
from .reconstruction import Reconstruction, timed

MODEL = "list_mini"  # its spatial transformer tells the vertical
ANGLES = "elevation_roll_degrees"  # in the report of a system that stands upright by itself


def stood_upright(
    result: Reconstruction, image: Tensor, device: torch.device | str = "cpu", progress: Progress | None = None
) -> Reconstruction:
    """The mesh and the cameras of a result turned upright; the photo's estimated elevation and roll in its report.

    image [1,3,H,W]: the photo. The field stays in the frame of the photo, where it was asked. What stands upright
    already comes back as it is. Raises `BadInput` where no model is there that tells the vertical.
    """
    if ANGLES in result.report:
        return result
    seconds = dict(result.seconds)
    with timed(seconds, "upright"):
        up = upright_shape(load_model(MODEL), image, result.views.masks[:1], device=device, progress=progress).up
    if up is None:
        raise BadInput(f"{MODEL} tells no vertical; update the pack.")
    turn = torch.block_diag(view_to_upright(up), torch.ones(1, 1))
    cameras = replace(result.views.cameras, camera_to_world=turn @ result.views.cameras.camera_to_world)
    angles = [round(float(angle), 2) for angle in angles_from_up(up[None])]
    return replace(
        result, mesh=turned_upright(result.mesh, up), views=replace(result.views, cameras=cameras), seconds=seconds,
        report={**result.report, ANGLES: angles},
    )  # fmt: skip
