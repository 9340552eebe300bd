"""From a depth map to the normalised visible surface, in the camera's frame (x right, y down, z forward)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...check import check_shape
from ...errors import BadInput


@dataclass(frozen=True)
class Normalization:
    """normalised = (camera - centre) / scale."""

    centre: Tensor  # [B,3] camera frame, depth units
    scale: Tensor  # [B] > 0

    def to_camera(self, points: Tensor) -> Tensor:
        """Normalised points [B,N,3] -> camera frame."""
        return points * self.scale[:, None, None] + self.centre[:, None]

    def to_normalized(self, points: Tensor) -> Tensor:
        """Camera-frame points [B,N,3] -> normalised."""
        return (points - self.centre[:, None]) / self.scale[:, None, None]


def unproject(depth: Tensor, intrinsics: Tensor, pixel_offset: float = 0.5) -> Tensor:
    """z-depth [B,1,H,W] and intrinsics [B,3,3] -> points [B,3,H,W], camera frame.

    `pixel_offset` 0.5 puts pixels at their centres, the pack's convention; ZeroShape's weights were trained with 0.
    """
    check_shape("depth", depth, "B", 1, "H", "W")
    check_shape("intrinsics", intrinsics, len(depth), 3, 3)
    height, width = depth.shape[-2:]
    y = torch.arange(height, device=depth.device, dtype=depth.dtype) + pixel_offset
    x = torch.arange(width, device=depth.device, dtype=depth.dtype) + pixel_offset
    x = (x - intrinsics[:, 0, 2, None]) / intrinsics[:, 0, 0, None]  # [B,W]
    y = (y - intrinsics[:, 1, 2, None]) / intrinsics[:, 1, 1, None]  # [B,H]
    plane = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None], depth.new_ones(())), dim=1)
    return plane * depth


def normalize_visible(
    points: Tensor,  # [B,3,H,W] camera frame
    mask: Tensor,  # [B,1,H,W] > 0.5 where the object is seen
    robust: bool = False,
) -> tuple[Tensor, Normalization]:
    """Centre the seen points on their mean and scale the farthest to distance 1; 0 off the mask (ZeroShape, 3.2).

    `robust` scales the root mean square distance to 1 instead, which one wrong pixel cannot upset.

    -> normalised map [B,3,H,W] and the `Normalization`.
    """
    check_shape("points", points, "B", 3, "H", "W")
    check_shape("mask", mask, len(points), 1, *points.shape[-2:])
    seen = (mask > 0.5).to(points.dtype)
    count = seen.sum(dim=(1, 2, 3))
    if (count == 0).any():
        raise BadInput(f"The object's mask of image {int(count.argmin())} is empty; paint or predict one first.")
    centre = (points * seen).sum(dim=(2, 3)) / count[:, None]
    offset = (points - centre[:, :, None, None]) * seen
    squared = offset.square().sum(dim=1)
    squared = squared.sum(dim=(1, 2)) / count if robust else squared.amax(dim=(1, 2))
    scale = squared.clamp_min(1e-24).sqrt()
    return offset / scale[:, None, None, None], Normalization(centre, scale)
