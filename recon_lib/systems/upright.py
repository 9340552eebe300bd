"""Any system's result, turned so that it stands as the object does: up is +y, whatever the camera's tilt."""

from dataclasses import replace

import torch

from ..cameras.upright import angles_from_up
from ..progress import Progress
from ..stages.single_view.stand_upright import cameras_turned, turned, vertical, world_to_upright
from ..weights.registry import load_model
from .reconstruction import Reconstruction, timed

MODEL = "list_mini"  # its spatial transformer tells the vertical
ANGLES = "elevation_roll_degrees"  # in the report of a system that stands upright by itself


def stood_upright(
    result: Reconstruction, device: torch.device | str = "cpu", progress: Progress | None = None
) -> Reconstruction:
    """The mesh and the cameras of a result turned upright; the photo's estimated elevation and roll in its report.

    The field stays in the frame of the photo, where it was asked. What stands upright already comes back as it is.
    """
    if ANGLES in result.report:
        return result
    seconds, cameras = dict(result.seconds), result.views.cameras
    with timed(seconds, "upright"):
        up = vertical(load_model(MODEL), result.views, device, progress)
    turn = world_to_upright(up, cameras)
    angles = [round(float(angle), 2) for angle in angles_from_up(up[None])]
    return replace(
        result,
        mesh=turned(result.mesh, turn),
        views=replace(result.views, cameras=cameras_turned(cameras, turn)),
        seconds=seconds,
        report={**result.report, ANGLES: angles},
    )
