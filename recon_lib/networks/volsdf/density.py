"""VolSDF's density: the Laplace distribution's cumulative function of the signed distance (Yariv et al. 2021)."""

import torch
from torch import Tensor


def laplace_density(distance: Tensor, beta: Tensor | float) -> Tensor:
    """Signed distance (> 0 outside), any shape -> density per world unit, 0 to 1 / beta (equations 2 and 3)."""
    return laplace_cdf(-distance / beta) / beta


def laplace_cdf(y: Tensor) -> Tensor:
    """The cumulative function of the Laplace distribution of width 1."""
    return 0.5 + 0.5 * y.sign() * -torch.expm1(-y.abs())
