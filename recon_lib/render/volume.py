"""Weights of samples along rays: optical depths by quadrature, transmittance, and compositing (Max 1995).

A density that is constant in each sample's segment has the optical depth density times length, for many samples
(Yariv et al. 2021, equations 5 to 7). `linear_depths` is exact for VolSDF's density where the signed distance is linear
between neighbouring samples, so a handful around the surface do.
"""

import torch
from torch import Tensor

from ..check import check_shape
from ..networks.volsdf.density import laplace_cdf

FLAT = 1e-2  # change of distance / beta below which the integral's quotient loses its digits
FEW = 16  # samples up to which a matrix product blends them: it rounds as it always has, so fits repeat bit for bit
BEYOND = 4.0  # optical depth added for each beta by which the last sample lies inside


def linear_depths(distance: Tensor, t: Tensor, beta: Tensor | float) -> Tensor:
    """Optical depth of the interval behind each sample where the signed distance is linear within it.

    distance, t [R,S] -> [R,S]. The integral of the cumulative Laplace distribution is max(y, 0) + exp(-|y|) / 2. The
    last interval is what lies beyond the samples: opaque if they end well inside, else empty.
    """
    y = -distance / beta
    integral = y.clamp_min(0) + 0.5 * torch.exp(-y.abs())
    rise = y[:, 1:] - y[:, :-1]
    flat = rise.abs() < FLAT
    quotient = (integral[:, 1:] - integral[:, :-1]) / torch.where(flat, 1.0, rise)
    mean = torch.where(flat, laplace_cdf((y[:, 1:] + y[:, :-1]) / 2), quotient)
    return torch.cat([mean * (t[:, 1:] - t[:, :-1]) / beta, BEYOND * y[:, -1:].clamp_min(0)], -1)


def interval_weights(depths: Tensor) -> tuple[Tensor, Tensor]:
    """Optical depths [R,S] -> fraction of the ray that ends in each interval [R,S], and that passes all of them [R].

    The weights of a ray and its final transmittance add up to 1 (equation 7).
    """
    check_shape("optical depths", depths, "R", "S")
    passed = torch.exp(-depths.cumsum(-1))
    before = torch.cat([torch.ones_like(passed[:, :1]), passed[:, :-1]], -1)
    return before * -torch.expm1(-depths), passed[:, -1]


def sample_weights(depths: Tensor) -> tuple[Tensor, Tensor]:
    """Like `interval_weights`, half of each interval's weight given to either of its ends; the last keeps its own."""
    weights, passed = interval_weights(depths)
    half = weights[:, :-1] / 2
    zero = torch.zeros_like(weights[:, :1])
    return torch.cat([half, weights[:, -1:]], -1) + torch.cat([zero, half], -1), passed


def merge_weights(weights: Tensor, first: int, end: int) -> Tensor:
    """Weights [R,S] of the samples from `first` up to `end`, those beside them added to the outermost: [R,C]."""
    inner = weights[:, first:end]
    before, after = weights[:, :first].sum(-1, keepdim=True), weights[:, end:].sum(-1, keepdim=True)
    return torch.cat([inner[:, :1] + before, inner[:, 1:-1], inner[:, -1:] + after], -1)


def composite_rays(weights: Tensor, values: Tensor, passed: Tensor, background: Tensor | float) -> Tensor:
    """Values [R,S,C] blended by weights [R,S] over a background [R,C], which `passed` [R] of the ray reaches."""
    if weights.shape[1] <= FEW:
        return torch.einsum("rs,rsc->rc", weights, values) + passed[:, None] * background
    return (weights[..., None] * values).sum(1) + passed[:, None] * background
