"""Gradients of ray samples scaled by how far these lie from an estimated depth (G3DR: Reddy et al. 2024, section 3).

Far from the estimate a sample learns next to nothing from the pixel, so depth leads without a loss of its own.
"""

import torch
from torch import Tensor

PEAK, SPREAD = 1.25, 0.03  # of the bell, and of squared distances in it, world units squared
LEAST = 0.05


def depth_scale(distance: Tensor, estimate: Tensor) -> Tensor:
    """G3DR's factor clamp(1.25 exp(-(d - d*)^2 / 0.03), 0.05, 1) [R,S], of distances d [R,S] and estimates d* [R].

    Both along the rays, world units; rays without an estimate (0 or less) keep their gradients: 1.
    """
    bell = PEAK * torch.exp(-(distance - estimate[:, None]).square() / SPREAD)
    return torch.where(estimate[:, None] > 0, bell.clamp(LEAST, 1.0), 1.0)


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(scale)
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * ctx.saved_tensors[0], None


def scale_gradient(values: Tensor, scale: Tensor) -> Tensor:
    """The same values; the gradient that reaches them is multiplied by `scale`, which broadcasts."""
    return _ScaleGradient.apply(values, scale)
