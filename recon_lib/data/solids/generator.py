"""Random solids: plausible objects of random families, in the unit ball."""

from dataclasses import replace

import torch
from torch import Tensor

from ..appearance.palettes import random_palette
from ..dice import Dice
from .families import FAMILIES
from .grid import surface_mesh
from .solid import Solid

DESIGN_RADIUS = 2.2  # families stay inside this cube
COARSE_NODES = 44
FIT_RESOLUTION = 96


def random_solid(seed: int, family: str | None = None) -> Solid:
    """Random solid of a seed, inside the unit ball and touching it; optionally of one of `FAMILIES`."""
    return normalised(draft_solid(seed, family))


def draft_solid(seed: int, family: str | None = None) -> Solid:
    """The same solid in its design frame: upright, about two units large, near the origin."""
    dice = Dice(seed, 0)
    names = list(FAMILIES)
    name = family or dice.weighted(names, [FAMILIES[n][1] for n in names])
    draft = FAMILIES[name][0](dice)
    materials = max(part.material for part in draft.parts) + 1
    return replace(draft, colors=random_palette(Dice(seed, 1), materials), family=name)


def normalised(solid: Solid) -> Solid:
    """Solid whose nearly minimal bounding sphere is at the origin, with radius 1 to about 1 %."""
    for radius in (DESIGN_RADIUS, 1.05):
        solid = _fitted(solid, *_rough_ball(solid, radius))
    voxel = 2 / FIT_RESOLUTION
    centre, radius = bounding_ball(surface_mesh(solid, FIT_RESOLUTION).vertices)
    return _fitted(solid, centre, radius + 0.25 * voxel)  # corners sag a little in marching cubes


def _fitted(solid: Solid, centre: Tensor, radius: float) -> Solid:
    """Solid moved and scaled so that the given ball becomes the unit ball."""
    new_centre = tuple((centre / solid.scale + torch.tensor(solid.centre)).tolist())
    return replace(solid, centre=new_centre, scale=solid.scale / radius)


def _rough_ball(solid: Solid, half: float) -> tuple[Tensor, float]:
    """Bounding ball of everything in [-half, half]^3: every surface point has a node within half a cell's diagonal."""
    axis = torch.linspace(-half, half, COARSE_NODES)
    nodes = torch.cartesian_prod(axis, axis, axis)
    slack = float(axis[1] - axis[0]) * 3**0.5 / 2
    centre, radius = bounding_ball(nodes[solid.distance(nodes) <= slack])
    return centre, radius + slack


def bounding_ball(points: Tensor, steps: int = 64) -> tuple[Tensor, float]:
    """Centre [3] and radius of a nearly minimal bounding ball of points [N,3] (Badoiu and Clarkson 2003)."""
    centre = (points.min(0).values + points.max(0).values) / 2
    for step in range(2, steps + 2):
        offset = points - centre
        centre = centre + offset[offset.square().sum(-1).argmax()] / step
    return centre, float((points - centre).norm(dim=-1).max())
