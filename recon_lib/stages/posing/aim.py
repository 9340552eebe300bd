"""Cameras turned to where the object is: a start for an adjustment, from the masks' middles alone."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...views.framing import within_picture
from ...views.views import Views
from .increments import moved

ROUNDS = 5


def aimed(views: Views) -> Cameras:
    """The cameras turned about their own centres so that one point of the world lies in the middle of every mask.

    The point is that nearest to the rays through the masks' middles; the turn is the least that brings it there.
    Pictures that cut the object off do not show its middle: they neither vote nor turn.
    """
    cameras, pixels, whole = views.cameras, mask_middles(views.masks), within_picture(views.masks)
    if whole.sum() < 2:
        return cameras
    for _ in range(ROUNDS):
        ray = torch.linalg.solve(cameras.intrinsics, F.pad(pixels, (0, 1), value=1.0)[..., None])[..., 0]
        ray = F.normalize(ray, dim=-1)  # [V,3] camera frame
        center = nearest_point(cameras.position[whole], (cameras.rotation @ ray[..., None])[whole, :, 0])
        local = F.normalize(cameras.to_camera(center[None])[:, 0], dim=-1)
        axis = torch.linalg.cross(ray, local)
        angle = torch.atan2(axis.norm(dim=-1), (ray * local).sum(-1))
        step = torch.zeros(len(views), 7)
        step[whole, :3] = (F.normalize(axis, dim=-1) * angle[:, None])[whole]
        cameras = moved(cameras, step)
    return cameras


def mask_middles(masks: Tensor) -> Tensor:
    """Centroids [V,2] (x,y) of masks [V,1,H,W], pixels."""
    height, width = masks.shape[-2:]
    weight = masks[:, 0].float()
    total = weight.sum((1, 2)).clamp_min(1e-6)
    x = (weight.sum(1) * (torch.arange(width) + 0.5)).sum(1) / total
    y = (weight.sum(2) * (torch.arange(height) + 0.5)).sum(1) / total
    return torch.stack([x, y], -1)


def nearest_point(origins: Tensor, directions: Tensor) -> Tensor:
    """The point [3] nearest to lines through origins [V,3] along unit directions [V,3], in the least squares' sense."""
    across = torch.eye(3) - directions[:, :, None] * directions[:, None]  # [V,3,3] projectors off the lines
    total = (across @ origins[..., None]).sum(0)[:, 0]
    return torch.linalg.pinv(across.sum(0).double()).float() @ total
