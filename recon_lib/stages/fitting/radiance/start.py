"""The start of a radiance fit: the frame it works in, its levels, and the densities that it begins with."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....errors import BadInput
from ....fields.contraction import Frame
from ....fields.field import Field
from ....fields.radiance import RadianceGrid
from ....memory import default_chunk, in_chunks
from ....networks.radiance.level import GridLevel, rows_of
from ....networks.radiance.model import FEATURES, RadianceModel
from ....views.views import Views
from ..sdf_grid.hull_start import HullStart
from ..sdf_grid.silhouettes import Silhouettes
from ..sdf_grid.start import view_center
from .settings import RadianceSettings

SOLID = math.log(0.5)  # optical depth of a spacing within a start, and behind what is seen
EMPTY = math.log(0.03)  # without a start: a box is half transparent or so
BESIDE = math.log(0.02)  # outside of a start, where a part may still be found
CUT = math.log(2e-4)  # outside of what the masks call for: pictures must insist
BARRED = math.log(1e-6)  # outside of a hull, where nothing may be
SLOPE = 4.0  # a spacing, of the logarithm, at the rim of a start
MARGIN = 0.75  # spacings that a limiting hull is too large by, so that the surface lies within
INSET = 1.0  # spacings that a start is too small by: what is too much between the views' rims, no picture takes away
RIM = 2.0  # spacings around a hull whose nodes have rows of their own
BIAS_NODES = 64  # most nodes a side of the level at which starts are held
PROPOSAL_LEVELS = (32, 64)


@dataclass(frozen=True)
class Start:
    """What the fit begins with, and what limits it."""

    soft: Field | HullStart | None  # a shape to begin with
    hard: Field | Silhouettes | None  # nothing lies outside of it

    def or_hull(self, views: Views, bounds: Tensor, check: Callable[[], None]) -> "Start":
        """The same, and what is missing of it by the views' masks: their hull, and what of it pictures call for."""
        hard = Silhouettes.of(views) if self.hard is None else self.hard
        return Start(HullStart.of(views, hard, bounds, check) if self.soft is None else self.soft, hard)


def scene_frame(views: Views) -> Frame:
    """All of space around the point that the cameras look at; they stand in the ball that is not contracted."""
    center, _ = view_center(views)
    radius = float((views.cameras.position - center).norm(dim=-1).max())
    if not radius > 0:
        raise BadInput("All cameras stand in one place; photographs from several places are needed.")
    return Frame(center, radius, contracted=True)


def spacing_of(frame: Frame, settings: RadianceSettings) -> float:
    """Distance of the finest level's nodes, world units at the frame's centre."""
    return frame.unit / (settings.levels[-1] - 1)


def starting_model(
    frame: Frame, start: Start, settings: RadianceSettings, seed: int, check: Callable[[], None]
) -> RadianceModel:
    """The model of a fit that begins."""
    channels, most = 1 + FEATURES, settings.table
    if frame.contracted or (start.soft is None and start.hard is None):
        levels = [GridLevel(nodes, channels, most=most) for nodes in settings.levels]
        return RadianceModel(levels, EMPTY, seed)
    number = max((i for i, nodes in enumerate(settings.levels) if nodes <= BIAS_NODES), default=0)
    nodes = settings.levels[number]
    soft = None if start.soft is None else asked_at_nodes(start.soft, frame, nodes, check)
    hard = None if start.hard is None else asked_at_nodes(start.hard, frame, nodes, check)
    beside = CUT if isinstance(start.soft, HullStart) else BESIDE
    bias = starting_bias(soft, hard, frame.unit / (nodes - 1), beside)
    levels = []
    for i, side in enumerate(settings.levels):
        rows = None if hard is None or i <= number else rows_of(near_hull(hard, side, frame.unit / (nodes - 1)))
        levels.append(GridLevel(side, channels, rows, None if i == number else most))  # the bias needs its nodes
    return RadianceModel(levels, bias.reshape(-1), seed, bias_level=number)


def proposal_model(settings: RadianceSettings, seed: int) -> RadianceModel:
    """The coarse model that says where a contracted scene's rays need samples: densities alone."""
    return RadianceModel([GridLevel(nodes, 1, most=settings.table) for nodes in PROPOSAL_LEVELS], EMPTY, seed)


def asked_at_nodes(
    field: Field | HullStart | Silhouettes, frame: Frame, nodes: int, check: Callable[[], None]
) -> Tensor:
    """A field's `inside` at nodes^3 nodes [G,G,G] of the frame's cube, in world units as far as it is a distance."""
    axis = torch.linspace(-1, 1, nodes)
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    points = points * frame.radius + frame.center
    values = in_chunks(lambda p: field.inside(p).float().cpu(), points, default_chunk("cpu"), check)
    if not (values > 0).any():
        raise BadInput("Nothing lies inside the hull or start of the fit; check its masks and cameras.")
    return values.view((nodes,) * 3)


def starting_bias(soft: Tensor | None, hard: Tensor | None, spacing: float, beside: float = BESIDE) -> Tensor:
    """Logarithms of the starting densities [G,G,G], of values inside a start and a hull [G,G,G], `spacing` apart.

    beside: the logarithm outside of the start. Raises `ValueError` without both.
    """
    barred = None if hard is None else _shape_bias(hard / spacing + MARGIN, BARRED)
    bias = barred if soft is None else _shape_bias(soft / spacing - INSET, beside)
    if bias is None:
        raise ValueError("a start or a hull is needed")
    return bias if barred is None else torch.minimum(bias, barred)


def _shape_bias(depth: Tensor, least: float) -> Tensor:
    """Logarithms of the densities of a solid, by depths below its surface in spacings."""
    return (SOLID + SLOPE * depth.clamp_max(0)).clamp_min(least)


def near_hull(hard: Tensor, nodes: int, spacing: float) -> Tensor:
    """Which of nodes^3 nodes [G,G,G] lie in a hull or near it, of its values at coarser nodes `spacing` apart."""
    values = F.interpolate(hard.clamp(-1e3, 1e3)[None, None], size=(nodes,) * 3, mode="trilinear", align_corners=True)
    return values[0, 0] > -RIM * spacing


def continued_model(field: RadianceGrid) -> RadianceModel:
    """A model of its own with an earlier fit's state, to fit it further."""
    import copy

    return copy.deepcopy(field.module).cpu().requires_grad_(True)
