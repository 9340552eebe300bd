"""What a batch is rendered from: a part of its own view, or a view from beside it (G3DR, section 3.3)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import Cameras
from ...networks.g3dr.frame import CameraBox

YAW_RAMP = 1 / 3  # of the run, over which the widest yaw grows
PITCH = math.pi / 18
NOVEL_SHARE = 0.4  # of steps, in the second half of the run
CLOSEST = 0.5  # smallest part of a picture's side that is rendered of the canonical view


@dataclass(frozen=True)
class Target:
    """B cameras and what their pictures should show, R x R pixels each."""

    cameras: Cameras  # in the frame of the picture's own camera
    image: Tensor  # [B,3,R,R] over white
    mask: Tensor  # [B,1,R,R] 0-1
    depth: Tensor  # [B,1,R,R] z-depth, 0 = unknown


def novel_share(done: float) -> float:
    """Fraction of steps that render novel views, after the fraction `done` of the run: rises to 0.4 within a fifth."""
    return min(NOVEL_SHARE, 2 * done)


def widest_yaw(done: float) -> float:
    """Radians to either side: pi / k, k falling from 24 to 6 over the first third of the run."""
    part = min(1.0, done / YAW_RAMP)
    return math.pi / (24 + (6 - 24) * part)


def canonical_target(batch: dict[str, Tensor], side: int, generator: torch.Generator) -> Target:
    """A random square part of the pictures, the same of all, at `side` pixels."""
    size = batch["image"].shape[-1]
    share = CLOSEST + (1 - CLOSEST) * float(torch.rand((), generator=generator))
    width = max(round(share * size), min(side, size))
    left, top = (int(torch.randint(0, size - width + 1, (), generator=generator)) for _ in range(2))
    part = {name: batch[name][..., top : top + width, left : left + width] for name in ("image", "mask", "depth")}
    small = F.interpolate(_over_white(part), (side, side), mode="bilinear", antialias=True)
    known = (part["depth"] > 0).to(part["depth"])
    share_known = F.interpolate(known, (side, side), mode="area")
    depth = F.interpolate(part["depth"], (side, side), mode="area") / share_known.clamp_min(1e-3)
    mask = F.interpolate(part["mask"], (side, side), mode="area")
    depth = torch.where(share_known > 0.99, depth, 0.0)
    cameras = own_cameras(batch).cropped(left, top, width, width).resized(side, side)
    return Target(cameras, small, mask, depth)


def novel_target(
    batch: dict[str, Tensor], box: CameraBox, side: int, done: float, generator: torch.Generator
) -> Target:
    """Cameras turned around the boxes' middles. What they should look like is the picture; depth is unknown."""
    count = len(batch["image"])
    yaw, pitch = (torch.rand(2, count, generator=generator) * 2 - 1) * torch.tensor([[widest_yaw(done)], [PITCH]])
    own = own_cameras(batch).resized(side, side)
    pose = turned(yaw.to(box.middle), pitch.to(box.middle), box.middle)
    cameras = Cameras(pose, own.intrinsics, side, side)
    small = F.interpolate(_over_white(batch), (side, side), mode="bilinear", antialias=True)
    mask = F.interpolate(batch["mask"], (side, side), mode="area")
    return Target(cameras, small, mask, torch.zeros_like(mask))


def turned(yaw: Tensor, pitch: Tensor, middle: Tensor) -> Tensor:
    """Poses [B,4,4] of cameras, in the frame of one at the origin, that were turned around (0,0,middle [B]).

    They went right by yaw [B] and up by pitch [B], radians; OpenCV axes.
    """
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)
    around_y = torch.stack([yaw.cos(), zero, -yaw.sin(), zero, one, zero, yaw.sin(), zero, yaw.cos()], -1)
    around_x = torch.stack([one, zero, zero, zero, pitch.cos(), pitch.sin(), zero, -pitch.sin(), pitch.cos()], -1)
    rotation = around_y.view(-1, 3, 3) @ around_x.view(-1, 3, 3)
    pose = torch.eye(4, dtype=yaw.dtype, device=yaw.device).repeat(len(yaw), 1, 1)
    pose[:, :3, :3] = rotation
    pose[:, :3, 3] = middle[:, None] * (torch.eye(3).to(rotation)[2] - rotation[:, :, 2])
    return pose


def own_cameras(batch: dict[str, Tensor]) -> Cameras:
    """The cameras of the pictures, each at the origin of its own frame."""
    intrinsics, size = batch["intrinsics"], batch["image"].shape[-1]
    pose = torch.eye(4, device=intrinsics.device).repeat(len(intrinsics), 1, 1)
    return Cameras(pose, intrinsics, size, size)


def _over_white(part: dict[str, Tensor]) -> Tensor:
    return part["image"] * part["mask"] + 1 - part["mask"]
