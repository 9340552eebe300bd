"""The box of triplanes before a camera, and depth as it is shown to the network.

Planes lie in the camera's frame: x,y is the picture itself, so that what a pixel shows is one column of the box, under
any lens. The third coordinate is (2 f / S) (1 - z0 / z), about relief in half pictures: the map is projective, so rays
stay straight. The published weights spread depth over 4 to 6 about a camera at 5; this is the same about 0.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...check import check_shape

BEHIND = 0.4  # half pictures from the mean of the visible surface back to the middle of the box
NEAREST = 1e-3  # z-depth as a fraction of the middle's


@dataclass(frozen=True)
class CameraBox:
    """Boxes of B square pictures of S x S pixels."""

    matrix: Tensor  # [B,4,4] projective, camera frame (OpenCV axes) -> -1..1 in the box
    middle: Tensor  # [B] z-depth of the box's middle
    half: Tensor  # [B] half the picture's width at that depth: the unit of densities

    @classmethod
    def of(cls, intrinsics: Tensor, depth: Tensor, mask: Tensor) -> "CameraBox":
        """Around what is seen: intrinsics [B,3,3] pixels, z-depth [B,1,S,S] (0 = unknown), mask [B,1,S,S]."""
        check_shape("depth", depth, "B", 1, "S", "S")
        size = depth.shape[-1]
        known = ((mask > 0.5) & (depth > 0)).to(depth)
        seen = (depth * known).sum((1, 2, 3)) / known.sum((1, 2, 3)).clamp_min(1)
        slope = (intrinsics[:, 0, 0] + intrinsics[:, 1, 1]) / size  # 2 f / S
        middle = seen * (1 + BEHIND / slope)
        matrix = torch.zeros(len(depth), 4, 4, dtype=depth.dtype, device=depth.device)
        for axis in range(2):
            matrix[:, axis, :2] = intrinsics[:, axis, :2] * (2 / size)
            matrix[:, axis, 2] = intrinsics[:, axis, 2] * (2 / size) - 1
        matrix[:, 2, 2], matrix[:, 2, 3], matrix[:, 3, 2] = slope, -slope * middle, 1
        return cls(matrix, middle, middle / slope)

    def relief(self, depth: Tensor) -> Tensor:
        """z-depth [B,1,S,S] -> the box's third coordinate [B,1,S,S], -1..1; 0 where the depth is unknown."""
        middle = self.middle[:, None, None, None]
        slope = middle / self.half[:, None, None, None]
        return torch.where(depth > 0, slope * (1 - middle / depth.clamp_min(NEAREST * middle)), 0.0).clamp(-1, 1)
