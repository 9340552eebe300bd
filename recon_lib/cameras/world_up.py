"""Which way is up in the world of a source, and the turn that makes it +y, as GLB has it.

Worlds of transforms.json are z-up (nerfstudio, instant-ngp, Blender) unless the cameras stand otherwise: the axis that
is nearest to their mean up counts, so y-up files stay. COLMAP's, LLFF's and projection matrices' worlds have no axis
that means anything (COLMAP's y points more or less down): there the direction across all cameras' right axes counts,
for people hold cameras level (as nerfstudio's orientation "vertical" does), on the side of their mean up; where that
leads elsewhere, as with pictures in portrait format, the mean up itself.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import Cameras

UNSURE = 0.2  # length of the mean of the cameras' ups below which it tells nothing
SPREAD = 0.02  # mean square of the right axes along their second direction: less is one side alone
LEVEL = 0.2  # of that: more across it, and the cameras were not held level
NEAR = 0.7  # cosine to the mean up
Z_UP, Y_UP = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)


def world_up(cameras: Cameras, along_axes: bool) -> Tensor:
    """Unit up [3] float64 of the cameras' world; `along_axes` if its up is one of its axes.

    Where the cameras do not tell, z for worlds along axes, y for others.
    """
    mean = -cameras.rotation[:, :, 1].double().mean(0).cpu()
    if float(mean.norm()) < UNSURE:
        return mean.new_tensor(Z_UP if along_axes else Y_UP)
    if not along_axes:
        return _level_up(cameras, F.normalize(mean, dim=0))
    axis = int(mean.abs().argmax())
    return torch.eye(3, dtype=torch.float64)[axis] * mean[axis].sign()


def _level_up(cameras: Cameras, mean: Tensor) -> Tensor:
    """The direction [3] that the cameras' right axes are most nearly across, if they tell one near the `mean` up."""
    right = cameras.rotation[:, :, 0].double().cpu()
    spread, directions = torch.linalg.eigh(right.T @ right / len(right))
    up = directions[:, 0] * (directions[:, 0] @ mean).sign()
    told = float(spread[1]) > SPREAD and float(spread[0]) < LEVEL * float(spread[1])
    return up if told and float(up @ mean) > NEAR else mean


def turn_to_y_up(up: Tensor) -> Tensor:
    """The smallest rotation [3,3] float64 that turns the unit direction `up` [3] to +y.

    z up gives (x, y, z) -> (x, z, -y), the turn of Blender's glTF export.
    """
    y = up.new_tensor(Y_UP)
    axis, cosine = torch.linalg.cross(up, y), float(up @ y)
    if cosine < -1 + 1e-9:  # upside down: half a turn about x
        return torch.diag(up.new_tensor([1.0, -1.0, -1.0]))
    a, b, c = axis.tolist()
    skew = up.new_tensor([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    return torch.eye(3, dtype=up.dtype) + skew + skew @ skew / (1 + cosine)


def turned_cameras(cameras: Cameras, rotation: Tensor) -> Cameras:
    """The cameras in a world turned about its zero by `rotation` [3,3]; what they count from is turned with it."""
    pose = cameras.camera_to_world.to(torch.float64, copy=True)
    pose[:, :3] = rotation.to(pose) @ pose[:, :3]
    x, y, z = (rotation.to(pose) @ pose.new_tensor(cameras.origin)).tolist()
    return replace(cameras, camera_to_world=pose.float(), origin=(x, y, z))
