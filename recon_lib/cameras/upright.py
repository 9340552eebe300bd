"""The upright frame of a view: gravity points down (-y), the azimuth is the camera's, the object's centre the origin.

For objects of any kind no canonical front exists, but how a thing stands does; so a shape that one photo shows is told
in this frame. It is the world turned about the vertical until the camera looks along -z, seen from above.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

POLE = 0.985  # |up along the optical axis| from which the camera looks straight down or up: then its top is ahead


def upright_rotation(up: Tensor) -> Tensor:
    """Rotations [B,3,3] upright -> camera frame (OpenCV axes) from the unit up directions [B,3] in the camera frame."""
    along = up[:, 2:]
    zero, one = torch.zeros_like(along), torch.ones_like(along)
    straight = torch.cat([zero, torch.where(along < 0, -one, one), zero], 1)
    ahead = torch.where(along.abs() > POLE, straight, torch.cat([zero, zero, one], 1))
    toward = F.normalize((ahead * up).sum(-1, keepdim=True) * up - ahead, dim=-1)
    return torch.stack([torch.linalg.cross(up, toward), up, toward], -1)


def up_from_angles(elevation: Tensor, roll: Tensor) -> Tensor:
    """Up directions [B,3] in the frame of cameras that look down by `elevation` [B] and are rolled by `roll` [B].

    Degrees; a positive roll turns the picture's content counter-clockwise.
    """
    e, r = torch.deg2rad(elevation), torch.deg2rad(roll)
    return torch.stack([-e.cos() * r.sin(), -e.cos() * r.cos(), -e.sin()], -1)


def angles_from_up(up: Tensor) -> tuple[Tensor, Tensor]:
    """Elevation and roll [B], degrees, from unit up directions [B,3]: the inverse of `up_from_angles`."""
    elevation = torch.rad2deg(torch.asin((-up[:, 2]).clamp(-1, 1)))
    return elevation, torch.rad2deg(torch.atan2(-up[:, 0], -up[:, 1]))
