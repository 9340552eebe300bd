"""Losses of the radiance fit, and the regularisers for few views."""

import torch
from torch import Tensor

SMOOTH = 1e-3  # difference below which Charbonnier's loss counts squares
RANKED = 0.01  # of a view's mean deviation of depth: nearer pairs have no order
RANK_MARGIN = 1e-3  # world units by which the farther pixel must be rendered farther


def charbonnier_loss(color: Tensor, truth: Tensor, trust: Tensor) -> Tensor:
    """Charbonnier's loss sqrt(d^2 + 0.001^2) of colours [R,3] (Barron et al. 2022), weighted by trust [R]."""
    return weighted_mean(((color - truth).square() + SMOOTH**2).sqrt().mean(-1), trust)


def opacity_loss(opacity: Tensor, mask: Tensor, trust: Tensor) -> Tensor:
    """Squared difference of opacities and masks [R]."""
    return weighted_mean((opacity - mask).square(), trust)


def distortion_loss(weights: Tensor, middle: Tensor, length: Tensor) -> Tensor:
    """Mip-NeRF 360's distortion loss (equation 15): mean over rays of how far apart their weights [R,S] lie.

    middle, length [R,S] of the intervals, ascending, of a ray that is 1 long. Intervals without weight cost nothing.
    The double sum over pairs is taken in one pass: with sorted middles it is a difference of running sums.
    """
    behind = weights.cumsum(-1) - weights
    moment = weights * middle
    pairs = 2 * (moment * behind - weights * (moment.cumsum(-1) - moment)).sum(-1)
    return (pairs + (weights.square() * length).sum(-1) / 3).mean()


def interlevel_loss(edges: Tensor, weights: Tensor, coarse: Tensor, proposed: Tensor) -> Tensor:
    """Mip-NeRF 360's loss of a proposal (equation 13): squares of what the fine weights exceed it by.

    edges [R,S+1], weights [R,S] of the rendered intervals, without gradients; coarse [R,C+1], proposed [R,C] of the
    proposal's. The bound of an interval is the weight of all coarse intervals that overlap it (equation 12).
    """
    weights = weights.detach()
    total = torch.cat([torch.zeros_like(proposed[:, :1]), proposed.cumsum(-1)], -1)
    count = coarse.shape[1]
    first = (torch.searchsorted(coarse.contiguous(), edges[:, :-1].contiguous(), right=True) - 1).clamp(0, count - 1)
    last = torch.searchsorted(coarse.contiguous(), edges[:, 1:].contiguous()).clamp(0, count)
    bound = total.gather(1, last) - total.gather(1, first)
    return ((weights - bound).clamp_min(0).square() / (weights + 1e-7)).sum(-1).mean()


def occlusion_loss(weights: Tensor, near: Tensor) -> Tensor:
    """FreeNeRF's occlusion regularisation (Yang et al. 2023, equation 7): what ends rays right before the cameras.

    weights [R,S] of the samples; near [R,S] bool, which of them lie right before the cameras. Of the weights, not of
    the densities, whose scale differs by orders of magnitude between fields. Mean over rays.
    """
    return (weights * near).sum(-1).mean()


def ranking_loss(distance: Tensor, depth: Tensor, comparable: Tensor) -> Tensor:
    """SparseNeRF's depth ranking (Wang et al. 2023, equation 4) of P pairs of pixels of one view each.

    distance [P,2] rendered, world units; depth [P,2] estimated, of any scale (mean deviation 1); comparable [P] 0-1.
    The pixel that the estimate puts farther must not be rendered nearer.
    """
    order = torch.sign(depth[:, 1] - depth[:, 0]) * ((depth[:, 1] - depth[:, 0]).abs() > RANKED)
    wrong = (RANK_MARGIN - order * (distance[:, 1] - distance[:, 0])).clamp_min(0) * order.abs() * comparable
    return wrong.sum() / (order.abs() * comparable).sum().clamp_min(1)


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over rays [R]; 0 without any weight."""
    return (values * weight).sum() / weight.sum().clamp_min(1e-6)
