"""Damped Gauss-Newton steps (Levenberg-Marquardt) on robust residuals of cameras."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from .increments import PARAMETERS

LEAST_GAIN, MOST_DAMPING = 1e-4, 1e3


@dataclass(frozen=True)
class AdjustSettings:
    """Standard deviations of what is measured, and of what is assumed."""

    color: float = 0.08  # of sRGB
    lost: float = 2.0  # what a colour that leaves its mask counts as, standard deviations
    outline: float = 2.0  # pixels
    inside: float = 2.0  # pixels
    tangency: float = 0.05  # pixels
    shift: float = 3.0  # of surface points along their normals, spacings of the grid
    rim_shift: float = 1.0  # of rim points, spacings
    focal: float = 0.003  # of the logarithm of the focal length, from the given one
    pose: float = 0.05  # of the given poses: radians, and parts of the camera's distance from the object
    outlier: float = 3.0  # standard deviations beyond which residuals count less and less
    iterations: int = 6
    damping: float = 1e-3
    own_focal: bool = False  # a focal length for each view, in place of a common factor


@dataclass(frozen=True)
class System:
    """Normal equations over all cameras, and the cost where they were made."""

    matrix: Tensor  # [7V,7V] float64
    vector: Tensor  # [7V]
    cost: float


class Equations(Protocol):
    """Normal equations of all that is known, as of `System`."""

    @property
    def matrix(self) -> Tensor: ...

    @property
    def vector(self) -> Tensor: ...

    @property
    def cost(self) -> float: ...


StateT = TypeVar("StateT", bound="Movable")
EquationsT = TypeVar("EquationsT", bound=Equations, contravariant=True)


class Movable(Protocol[EquationsT]):
    """Cameras, and what moves along with them."""

    @property
    def cameras(self) -> Cameras: ...

    def after(self: StateT, equations: EquationsT, step: Tensor) -> StateT:
        """The state after the cameras' increments [V,7]."""
        ...


def descend(
    state: StateT, equations: Callable[[StateT], Equations], settings: AdjustSettings, check: Callable[[], None]
) -> StateT:
    """The state after `settings.iterations` tried steps, or when they gain no more."""
    damping, here = settings.damping, equations(state)
    for _ in range(settings.iterations):
        check()
        ahead_state = state.after(here, solve(here, damping, settings.own_focal))
        ahead = equations(ahead_state)
        if ahead.cost < here.cost:
            gain = 1 - ahead.cost / here.cost
            state, here, damping = ahead_state, ahead, max(damping / 4, 1e-6)
            if gain < LEAST_GAIN:
                break
        else:
            damping *= 8
            if damping > MOST_DAMPING:
                break
    return state


def solve(system: Equations, damping: float, own_focal: bool) -> Tensor:
    """Increments [V,7] of a damped step; without `own_focal` all views share that of the focal length."""
    size = len(system.vector)
    spread = torch.eye(size, dtype=torch.float64)
    if not own_focal:
        last = torch.arange(PARAMETERS - 1, size, PARAMETERS)
        common = torch.zeros(size, 1, dtype=torch.float64)
        common[last] = 1.0
        keep = torch.ones(size, dtype=torch.bool)
        keep[last] = False
        spread = torch.cat([spread[:, keep], common], 1)
    matrix, vector = spread.T @ system.matrix @ spread, spread.T @ system.vector
    diagonal = matrix.diagonal()
    matrix = matrix + torch.diag(damping * diagonal + 1e-9 * diagonal.max())
    return (spread @ -torch.linalg.solve(matrix, vector)).view(-1, PARAMETERS)


def redescending(size: Tensor, scale: float, weight: Tensor) -> tuple[Tensor, float]:
    """Weights times Geman and McClure's (1985), and the cost, at most scale^2 each.

    Colours beside an edge of the object that hides another part of it are wrong by any amount, and Huber's weights let
    them pull cameras away from where they should be.
    """
    square, limit = size**2, scale**2
    return weight * (limit / (limit + square)) ** 2, float((weight * limit * square / (limit + square)).double().sum())
