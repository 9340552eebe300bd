"""The camera's focal length and principal point, from the deepest feature map of the image.

ZeroShape (Huang et al. 2024, section 3.1): three numbers, bounded by tanh around a 40-degree prior.
"""

import torch
from torch import Tensor, nn
from torch.nn import Linear

from ..blocks import ResidualConv

PRIOR_FOCAL = 1.3875  # in image widths: a 39.6 degree field of view, ZeroShape's rendering camera
FOCAL_RANGE = 4.0  # the focal length is at most this many times longer or shorter


def intrinsics_head(channels: int) -> nn.Sequential:
    """Residual 3x3 blocks for [B,channels,h,w]; average over h, w, then use `intrinsics_projection`."""
    return nn.Sequential(ResidualConv(channels, 3), ResidualConv(channels, 3))


def intrinsics_projection(channels: int) -> Linear:
    """[B,channels] -> [B,3], zero at the start, which is the prior camera."""
    projection = Linear(channels, 3)
    nn.init.zeros_(projection.weight)
    nn.init.zeros_(projection.bias)
    return projection


def intrinsics_matrix(parameters: Tensor, height: int, width: int) -> Tensor:
    """Unbounded (focal, x, y) [B,3] -> intrinsics [B,3,3] in pixels of a `height` x `width` image.

    The focal length stays within a factor 4 of the prior, the principal point within the image.
    """
    focal = PRIOR_FOCAL * FOCAL_RANGE ** torch.tanh(parameters[:, 0])
    shift = 1 + torch.tanh(parameters[:, 1:])  # 0-2: border to border
    matrix = parameters.new_zeros(len(parameters), 3, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = focal * width, focal * height
    matrix[:, 0, 2], matrix[:, 1, 2] = shift[:, 0] * width / 2, shift[:, 1] * height / 2
    matrix[:, 2, 2] = 1
    return matrix
