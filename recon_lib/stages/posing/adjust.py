"""Bundle adjustment on colours and silhouettes: all cameras at once, against a surface that may give way.

The colour part is photometric bundle adjustment (Alismail, Browning, Lucey 2016; Engel, Koltun, Cremers 2018): a point
of the surface has one colour, the mean of what the views show of it, and may move along its normal. The silhouette part
holds rim points on the outline of their own view, and inside all other masks. Colours and shifts are eliminated from
each Gauss-Newton step in closed form (Schur complement), so only seven unknowns a view remain.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...progress import unchecked
from .increments import PARAMETERS, moved, project
from .pictures import LEAST_COVERAGE, Pictures
from .surface import Surface


@dataclass(frozen=True)
class AdjustSettings:
    """Standard deviations of what is measured, and of what is assumed."""

    color: float = 0.08  # of sRGB
    lost: float = 2.0  # what a colour that leaves its mask counts as, standard deviations
    outline: float = 0.5  # pixels
    inside: float = 0.5  # pixels
    shift: float = 3.0  # of surface points along their normals, spacings of the grid
    rim_shift: float = 1.0  # of rim points, spacings
    focal: float = 0.003  # of the logarithm of the focal length, from the given one
    pose: float = 1.0  # of the given poses: radians, and parts of the camera's distance from the object
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
    mixed: Tensor  # [N,7V] second derivatives by a point's shift and the cameras
    stiffness: Tensor  # [N] by the shift
    pull: Tensor  # [N] slope along the shift

    def shift_step(self, step: Tensor) -> Tensor:
        """The shifts' increments [N] that go with the cameras' [V,7]."""
        return -((self.pull + self.mixed @ step.flatten()) / self.stiffness).float()


def adjust(
    cameras: Cameras, pictures: Pictures, surface: Surface, settings: AdjustSettings, given: Cameras, check=unchecked
) -> Cameras:
    """The cameras after damped Gauss-Newton steps (Levenberg-Marquardt).

    given: the cameras that are expected, within `settings.pose` and `settings.focal`.
    """
    damping = settings.damping
    state = State(cameras, torch.zeros(len(surface.points)), torch.zeros(len(surface.rims)))
    here = state.equations(pictures, surface, settings, given)
    for _ in range(settings.iterations):
        check()
        ahead_state = state.after(here, solve(here, damping, settings.own_focal))
        ahead = ahead_state.equations(pictures, surface, settings, given)
        if ahead.cost < here.cost:
            gain = 1 - ahead.cost / here.cost
            state, here, damping = ahead_state, ahead, max(damping / 4, 1e-6)
            if gain < 1e-4:
                break
        else:
            damping *= 8
            if damping > 1e3:
                break
    return state.cameras


@dataclass(frozen=True)
class State:
    """What an adjustment moves."""

    cameras: Cameras
    shifts: Tensor  # [N] of surface points along their normals, world units
    rim_shifts: Tensor  # [M]

    def equations(self, pictures: Pictures, surface: Surface, settings: AdjustSettings, given: Cameras) -> "Equations":
        """The normal equations of all residuals."""
        colors = _colors(self.cameras, pictures, surface, self.shifts, settings)
        rims = _silhouettes(self.cameras, pictures, surface, self.rim_shifts, settings)
        return Equations(colors, rims, *_expected(self.cameras, given, surface, settings))

    def after(self, equations: "Equations", step: Tensor) -> "State":
        """The state after the cameras' increments [V,7] and the shifts that go with them."""
        shifts = self.shifts + equations.colors.shift_step(step)
        rim_shifts = self.rim_shifts + equations.rims.shift_step(step)
        return State(moved(self.cameras, step), shifts, rim_shifts)


@dataclass(frozen=True)
class Equations:
    """Normal equations of colours, rims and expected cameras."""

    colors: System
    rims: System
    diagonal: Tensor  # [7V] of the expected cameras
    slope: Tensor  # [7V]
    expected_cost: float

    @property
    def cost(self) -> float:
        return self.colors.cost + self.rims.cost + self.expected_cost

    @property
    def matrix(self) -> Tensor:
        return self.colors.matrix + self.rims.matrix + torch.diag(self.diagonal)

    @property
    def vector(self) -> Tensor:
        return self.colors.vector + self.rims.vector + self.slope


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


def _expected(
    cameras: Cameras, given: Cameras, surface: Surface, settings: AdjustSettings
) -> tuple[Tensor, Tensor, float]:
    """What holds the cameras near the given ones."""
    apart = given.rotation.double().mT @ cameras.rotation.double()
    turn = torch.stack([apart[:, 2, 1], apart[:, 0, 2], apart[:, 1, 0]], -1)  # sine of the angle along the axis
    away = (cameras.rotation.double().mT @ (cameras.position - given.position).double()[..., None])[..., 0]
    distance = (given.position - surface.points.mean(0)).norm(dim=-1, keepdim=True).double()
    focal = (cameras.intrinsics[:, 1, 1:2] / given.intrinsics[:, 1, 1:2]).double().log()
    slope = torch.cat(
        [
            torch.full_like(turn, 1 / settings.pose),
            1 / (settings.pose * distance).expand(-1, 3),
            torch.full_like(focal, 1 / settings.focal),
        ],
        -1,
    ).flatten()
    residual = torch.cat([turn, away, focal], -1).flatten() * slope
    return slope**2, slope * residual, float(residual.square().sum())


def _colors(cameras: Cameras, pictures: Pictures, surface: Surface, shifts: Tensor, settings: AdjustSettings) -> System:
    projected = project(cameras, surface.points + shifts[:, None] * surface.normals)
    reading = pictures.read(projected.pixels)
    use = surface.visible & reading.framed & (reading.coverage > LEAST_COVERAGE) & (projected.depth > 0)
    lost = float((surface.visible & ~use).sum()) * settings.lost**2
    use &= use.sum(1, keepdim=True) > 1
    weight = use.float()
    mean = (reading.colors * weight[..., None]).sum(1, keepdim=True) / weight.sum(1)[:, None, None].clamp_min(1)
    residual = (reading.colors - mean) / settings.color  # [N,V,3]
    weight, cost = _redescending(residual.norm(dim=-1), settings.outlier, weight)
    slopes = reading.color_slopes / settings.color  # [N,V,3,2]
    by_camera = slopes @ projected.by_camera  # [N,V,3,7]
    shift = (projected.by_point @ surface.normals[:, None, :, None])[..., 0]  # [N,V,2] pixels for each world unit
    by_shift = (slopes @ shift[..., None])[..., 0]  # [N,V,3]
    centred = _centred(torch.cat([residual[..., None], by_shift[..., None]], -1), weight)
    residual, by_shift = centred.unbind(-1)
    prior = 1 / (settings.shift * surface.spacing) ** 2
    cost += lost + prior * float(shifts.double().square().sum())
    return _reduced(by_camera, residual, by_shift, weight, shifts, prior, cost, mean_free=True)


def _silhouettes(
    cameras: Cameras, pictures: Pictures, surface: Surface, shifts: Tensor, settings: AdjustSettings
) -> System:
    projected = project(cameras, surface.rims + shifts[:, None] * surface.rim_normals)
    reading = pictures.read(projected.pixels)
    own = torch.nn.functional.one_hot(surface.rim_view, len(cameras)).bool()
    # in other views a rim point is only known to lie within the mask: asking more of it would shrink the object
    off = reading.distance - torch.where(own, surface.rim_distance[:, None], 0.0)
    sigma = torch.where(own, settings.outline, settings.inside)
    residual = off / sigma
    weight = ((own | (off < 0)) & (projected.depth > 0) & (reading.framed | pictures.whole)).float()
    weight, cost = _redescending(residual.abs(), settings.outlier, weight)
    slopes = reading.distance_slope / sigma[..., None]
    by_camera = slopes[..., None, :] @ projected.by_camera  # [M,V,1,7]
    shift = (projected.by_point @ surface.rim_normals[:, None, :, None])[..., 0]
    by_shift = (slopes * shift).sum(-1, keepdim=True)
    prior = 1 / (settings.rim_shift * surface.spacing) ** 2
    cost += prior * float(shifts.double().square().sum())
    return _reduced(by_camera, residual[..., None], by_shift, weight, shifts, prior, cost)


def _redescending(size: Tensor, scale: float, weight: Tensor) -> tuple[Tensor, float]:
    """Weights times Geman and McClure's (1985), and the cost, at most scale^2 each.

    Colours beside an edge of the object that hides another part of it are wrong by any amount, and Huber's weights let
    them pull cameras away from where they should be.
    """
    square, limit = size**2, scale**2
    return weight * (limit / (limit + square)) ** 2, float((weight * limit * square / (limit + square)).double().sum())


def _centred(values: Tensor, weight: Tensor) -> Tensor:
    """Values [N,V,...] less their weighted mean over the views."""
    weight = weight.view(*weight.shape, *[1] * (values.ndim - 2))
    return values - (weight * values).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp_min(1e-9)


def _reduced(
    by_camera: Tensor,  # [N,V,C,7]
    residual: Tensor,  # [N,V,C]
    by_shift: Tensor,  # [N,V,C]
    weight: Tensor,  # [N,V]
    shifts: Tensor,  # [N]
    prior: float,
    cost: float,
    mean_free: bool = False,
) -> System:
    """Normal equations from which each point's shift, and with `mean_free` its colour, are eliminated."""
    count, views = weight.shape
    size = views * PARAMETERS
    heavy = weight[..., None, None] * by_camera
    matrix = torch.zeros(views, PARAMETERS, views, PARAMETERS, dtype=torch.float64)
    blocks = torch.einsum("nvci,nvcj->vij", heavy, by_camera).double()
    at = torch.arange(views)
    matrix[at, :, at] = blocks
    matrix = matrix.view(size, size)
    vector = torch.einsum("nvci,nvc->vi", heavy, residual).double().reshape(size)
    if mean_free:
        total = weight.sum(1).clamp_min(1e-9).sqrt()
        rows = (heavy / total[:, None, None, None]).movedim(2, 1).reshape(-1, size).double()
        matrix = matrix - rows.T @ rows
    mixed = (heavy * by_shift[..., None]).sum(2).reshape(count, size).double()
    stiffness = ((weight[..., None] * by_shift.square()).sum((1, 2)) + prior).double()
    pull = ((weight[..., None] * by_shift * residual).sum((1, 2)) + prior * shifts).double()
    matrix = matrix - mixed.T @ (mixed / stiffness[:, None])
    vector = vector - mixed.T @ (pull / stiffness)
    return System(matrix, vector, cost, mixed, stiffness, pull)
