"""Bundle adjustment on colours and silhouettes: all cameras at once, against a surface that may give way.

The colour part is photometric bundle adjustment (Alismail, Browning, Lucey 2016; Engel, Koltun, Cremers 2018): a point
of the surface has one colour, the mean of what the views show of it, and may move along its normal. The silhouette part
holds rim points on the outline of their own view, and inside all other masks. Both see the object through the surface,
which is only about right; epipolar tangency (`tangency`) needs none. Colours and shifts are eliminated from each
Gauss-Newton step in closed form (Schur complement), so only seven unknowns a view remain.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...progress import unchecked
from .descent import AdjustSettings, System, descend, redescending
from .increments import PARAMETERS, moved, project
from .outlines import expected_system, tangent_system
from .pictures import LEAST_COVERAGE, Pictures
from .surface import Surface
from .tangency import Outlines


@dataclass(frozen=True)
class ShiftSystem(System):
    """A system from which points' shifts were eliminated, and what gives them back."""

    mixed: Tensor  # [N,7V] second derivatives by a point's shift and the cameras
    stiffness: Tensor  # [N] by the shift
    pull: Tensor  # [N] slope along the shift

    def shift_step(self, step: Tensor) -> Tensor:
        """The shifts' increments [N] that go with the cameras' [V,7]."""
        return -((self.pull + self.mixed @ step.flatten()) / self.stiffness).float()


@dataclass(frozen=True)
class Evidence:
    """What an adjustment compares the cameras with."""

    pictures: Pictures
    surface: Surface
    outlines: Outlines
    pairs: Tensor  # [2,N] int64: views whose outlines' tangents are compared
    given: Cameras  # that are expected, within `AdjustSettings.pose` and `.focal`


def adjust(cameras: Cameras, evidence: Evidence, settings: AdjustSettings, check=unchecked) -> Cameras:
    """The cameras after a descent on all that the evidence says."""
    surface = evidence.surface
    state = State(cameras, torch.zeros(len(surface.points)), torch.zeros(len(surface.rims)))
    return descend(state, lambda s: s.equations(evidence, settings), settings, check).cameras


@dataclass(frozen=True)
class State:
    """What an adjustment moves."""

    cameras: Cameras
    shifts: Tensor  # [N] of surface points along their normals, world units
    rim_shifts: Tensor  # [M]

    def equations(self, evidence: Evidence, settings: AdjustSettings) -> "Equations":
        """The normal equations of all residuals."""
        pictures, surface = evidence.pictures, evidence.surface
        colors = _colors(self.cameras, pictures, surface, self.shifts, settings)
        rims = _silhouettes(self.cameras, pictures, surface, self.rim_shifts, settings)
        others = (
            tangent_system(self.cameras, evidence.outlines, evidence.pairs, settings),
            expected_system(self.cameras, evidence.given, surface.points.mean(0), settings),
        )
        return Equations(colors, rims, *others)

    def after(self, equations: "Equations", step: Tensor) -> "State":
        """The state after the cameras' increments [V,7] and the shifts that go with them."""
        shifts = self.shifts + equations.colors.shift_step(step)
        rim_shifts = self.rim_shifts + equations.rims.shift_step(step)
        return State(moved(self.cameras, step), shifts, rim_shifts)


@dataclass(frozen=True)
class Equations:
    """Normal equations of colours, rims, tangents and expected cameras."""

    colors: ShiftSystem
    rims: ShiftSystem
    tangents: System
    expected: System

    @property
    def all(self) -> tuple[System, ...]:
        return self.colors, self.rims, self.tangents, self.expected

    @property
    def cost(self) -> float:
        return sum(system.cost for system in self.all)

    @property
    def matrix(self) -> Tensor:
        return torch.stack([system.matrix for system in self.all]).sum(0)

    @property
    def vector(self) -> Tensor:
        return torch.stack([system.vector for system in self.all]).sum(0)


def _colors(
    cameras: Cameras, pictures: Pictures, surface: Surface, shifts: Tensor, settings: AdjustSettings
) -> ShiftSystem:
    projected = project(cameras, surface.points + shifts[:, None] * surface.normals)
    reading = pictures.read(projected.pixels)
    use = surface.visible & reading.framed & (reading.coverage > LEAST_COVERAGE) & (projected.depth > 0)
    lost = float((surface.visible & ~use).sum()) * settings.lost**2
    use &= use.sum(1, keepdim=True) > 1
    weight = use.float()
    mean = (reading.colors * weight[..., None]).sum(1, keepdim=True) / weight.sum(1)[:, None, None].clamp_min(1)
    residual = (reading.colors - mean) / settings.color  # [N,V,3]
    weight, cost = redescending(residual.norm(dim=-1), settings.outlier, weight)
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
) -> ShiftSystem:
    projected = project(cameras, surface.rims + shifts[:, None] * surface.rim_normals)
    reading = pictures.read(projected.pixels)
    own = torch.nn.functional.one_hot(surface.rim_view, len(cameras)).bool()
    # in other views a rim point is only known to lie within the mask: asking more of it would shrink the object
    off = reading.distance - torch.where(own, surface.rim_distance[:, None], 0.0)
    sigma = torch.where(own, settings.outline, settings.inside)
    residual = off / sigma
    weight = ((own | (off < 0)) & (projected.depth > 0) & (reading.framed | pictures.whole)).float()
    weight, cost = redescending(residual.abs(), settings.outlier, weight)
    slopes = reading.distance_slope / sigma[..., None]
    by_camera = slopes[..., None, :] @ projected.by_camera  # [M,V,1,7]
    shift = (projected.by_point @ surface.rim_normals[:, None, :, None])[..., 0]
    by_shift = (slopes * shift).sum(-1, keepdim=True)
    prior = 1 / (settings.rim_shift * surface.spacing) ** 2
    cost += prior * float(shifts.double().square().sum())
    return _reduced(by_camera, residual[..., None], by_shift, weight, shifts, prior, cost)


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
) -> ShiftSystem:
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
    return ShiftSystem(matrix, vector, cost, mixed, stiffness, pull)
