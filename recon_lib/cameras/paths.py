"""Paths of cameras for films: around an object, on a spiral, and between given cameras."""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput
from .camera import Cameras
from .turntable import turntable_cameras

PARALLEL = 1e-3  # of the number of cameras: below it their axes have no point in common
STRAIGHT = 1e-6  # angle, radians, below which an arc is a line


def spiral(
    frames: int,
    *,
    turns: float = 2.0,
    lowest: float = -10.0,
    highest: float = 50.0,
    fov: float = 30.0,
    size: int = 512,
    center: Tensor | None = None,  # [3] world, default the origin
    radius: float = 1.0,
) -> Cameras:
    """`frames` cameras that rise from `lowest` to `highest` elevation in `turns` around a sphere of `radius`. Degrees.

    The first and the last one stand at the ends.
    """
    level = turntable_cameras(frames, elevation=0.0, fov=fov, size=size, radius=radius)
    distance = float(level.position[0].norm())
    part = torch.linspace(0, 1, frames)
    elevation = lowest + (highest - lowest) * part
    cameras = Cameras.orbit((360.0 * turns * part).tolist(), elevation.tolist(), distance, fov, size, size)
    if center is None:
        return cameras
    pose = cameras.camera_to_world.clone()
    pose[:, :3, 3] += center.to(pose)
    return Cameras(pose, cameras.intrinsics, size, size)


def interpolated(cameras: Cameras, frames: int, closed: bool = False) -> Cameras:
    """`frames` cameras on a path through given ones: every leg takes the same number of them, if that goes in.

    Positions move on great circles around the point that the cameras look at (see `pivot`) while their distances from
    it change evenly; rotations turn evenly about one axis (slerp, Shoemake 1985); intrinsics change evenly.
    closed: the path leads back to the first camera, which is not repeated; else the last frame is the last camera.
    """
    count = len(cameras)
    if frames < 1 or count < 2:
        raise BadInput(
            f"A path of {frames} frames between {count} cameras is none; give 1 frame and 2 cameras or more."
        )
    legs = count if closed else count - 1
    at = torch.arange(frames, dtype=torch.float64) * legs / max(frames if closed else frames - 1, 1)
    first = at.floor().clamp_max(legs - 1).long()
    part = at - first
    second = (first + 1) % count
    center = pivot(cameras).double()
    offset = cameras.position.double() - center
    pose = torch.eye(4, dtype=torch.float64).repeat(frames, 1, 1)
    pose[:, :3, 3] = center + _arc(offset[first], offset[second], part)
    pose[:, :3, :3] = _turned(cameras.rotation.double(), first, second, part)
    k = cameras.intrinsics.double()
    intrinsics = k[first] + part[:, None, None] * (k[second] - k[first])
    return replace(cameras, camera_to_world=pose.float(), intrinsics=intrinsics.float())


def pivot(cameras: Cameras) -> Tensor:
    """The point [3] nearest to all optical axes, or the origin where these are parallel."""
    axes = cameras.rotation[:, :, 2].double()
    across = torch.eye(3, dtype=torch.float64) - axes[:, :, None] * axes[:, None]
    total = across.sum(0)
    if float(torch.linalg.eigvalsh(total)[0]) < PARALLEL * len(cameras):
        return torch.zeros(3)
    return torch.linalg.solve(total, (across @ cameras.position.double()[..., None]).sum(0)[:, 0]).float()


def _arc(start: Tensor, end: Tensor, part: Tensor) -> Tensor:
    """Points [N,3] between start and end [N,3] on great circles around the origin; straight where there is none."""
    lengths = start.norm(dim=-1), end.norm(dim=-1)
    a, b = F.normalize(start, dim=-1), F.normalize(end, dim=-1)
    angle = torch.atan2(torch.linalg.cross(a, b).norm(dim=-1), (a * b).sum(-1))
    sine = angle.sin()
    bent = (sine > STRAIGHT) & (angle < math.pi - STRAIGHT)
    safe = torch.where(bent, sine, 1.0)
    direction = (((1 - part) * angle).sin() / safe)[:, None] * a + ((part * angle).sin() / safe)[:, None] * b
    length = lengths[0] + part * (lengths[1] - lengths[0])
    line = start + part[:, None] * (end - start)
    return torch.where(bent[:, None], direction * length[:, None], line)


def _turned(rotations: Tensor, first: Tensor, second: Tensor, part: Tensor) -> Tensor:
    """Rotations [N,3,3] from those of `first` to those of `second` [N]."""
    from scipy.spatial.transform import Rotation

    start, end = (Rotation.from_matrix(rotations[index].numpy()) for index in (first, second))
    turn = (start.inv() * end).as_rotvec() * part.numpy()[:, None]
    return torch.from_numpy((start * Rotation.from_rotvec(turn)).as_matrix())
