"""Volume rendering of signed distances with VolSDF's density (Yariv et al. 2021, equations 2-7).

The density is the Laplace distribution's cumulative function of the distance into the solid, divided by its width beta.
Two quadratures turn distances along a ray into weights: `rectangle_depths` is the paper's, for many samples;
`linear_depths` is exact where the distance is linear between neighbouring samples, so a handful around the surface do.
"""

import torch
from torch import Tensor

from ..check import check_shape

ENDLESS = 1e10  # length of the last interval
FLAT = 1e-2  # change of distance / beta below which the integral's quotient loses its digits
BEYOND = 4.0  # optical depth added for each beta by which the last sample lies inside


def laplace_density(distance: Tensor, beta: Tensor | float) -> Tensor:
    """Signed distance (> 0 outside), any shape -> density per world unit, 0 to 1 / beta (equations 2 and 3)."""
    return laplace_share(-distance / beta) / beta


def laplace_share(y: Tensor) -> Tensor:
    """The cumulative Laplace distribution of width 1."""
    return 0.5 + 0.5 * y.sign() * -torch.expm1(-y.abs())


def rectangle_depths(distance: Tensor, t: Tensor, beta: Tensor | float) -> Tensor:
    """Optical depth of the interval behind each sample: density times length; the last interval is endless.

    distance, t [R,S] -> [R,S], t ascending, world units. beta: a number, or [R,1].
    """
    length = torch.cat([t[:, 1:] - t[:, :-1], torch.full_like(t[:, :1], ENDLESS)], -1)
    return length * laplace_density(distance, beta)


def linear_depths(distance: Tensor, t: Tensor, beta: Tensor | float) -> Tensor:
    """Optical depth of the interval behind each sample where the distance is linear within it.

    distance, t [R,S] -> [R,S]. The integral of the cumulative Laplace distribution is max(y, 0) + exp(-|y|) / 2. The
    last interval is what lies beyond the samples: opaque if they end well inside, else empty.
    """
    y = -distance / beta
    integral = y.clamp_min(0) + 0.5 * torch.exp(-y.abs())
    rise = y[:, 1:] - y[:, :-1]
    flat = rise.abs() < FLAT
    quotient = (integral[:, 1:] - integral[:, :-1]) / torch.where(flat, 1.0, rise)
    share = torch.where(flat, laplace_share((y[:, 1:] + y[:, :-1]) / 2), quotient)
    return torch.cat([share * (t[:, 1:] - t[:, :-1]) / beta, BEYOND * y[:, -1:].clamp_min(0)], -1)


def interval_weights(depths: Tensor) -> tuple[Tensor, Tensor]:
    """Optical depths [R,S] -> share of the ray that ends in each interval [R,S], and that passes all of them [R].

    The shares of a ray add up to 1 with what passes (equation 7).
    """
    check_shape("optical depths", depths, "R", "S")
    passed = torch.exp(-depths.cumsum(-1))
    before = torch.cat([torch.ones_like(passed[:, :1]), passed[:, :-1]], -1)
    return before * -torch.expm1(-depths), passed[:, -1]


def sample_weights(depths: Tensor) -> tuple[Tensor, Tensor]:
    """Like `interval_weights`, each interval's share given half to either of its ends; the last keeps its own."""
    weights, passed = interval_weights(depths)
    half = weights[:, :-1] / 2
    none = torch.zeros_like(weights[:, :1])
    return torch.cat([half, weights[:, -1:]], -1) + torch.cat([none, half], -1), passed


def composite_rays(weights: Tensor, values: Tensor, passed: Tensor, behind: Tensor) -> Tensor:
    """Values [R,S,C] blended by weights [R,S] over what lies behind [R,C], which `passed` [R] of the ray reaches."""
    return torch.einsum("rs,rsc->rc", weights, values) + passed[:, None] * behind
