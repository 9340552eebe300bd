"""Visibility of a picture's surface in earlier views, robust to the roughness of a fitted surface.

The mesh of a fitted field undulates below the size of its cells. Taken literally, it turns away from every camera
in places and occludes itself with its own bumps, which leaves speckles in what was seen. So its normals are means over
a few cells, bumps of a cell occlude nothing, and single pixels follow the majority around them. A mesh that is given
as such has no such roughness and is taken as it is.
"""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...meshes.mesh import Mesh
from ...render.mesh import corner_normals
from ...render.projection import Projector
from ...render.rasterize import Fragments

SMOOTHING_ROUNDS = 3  # rings of neighbours over which a rough surface's normals are means
EXTRA_VIEW_ANGLE_DEG = 7.0  # of the loose test, which pixels that join their neighbours' majority must still pass
LOOSE_DEPTH_CELLS = 2.0  # depth tolerance of the loose test, cells; 1 in the strict test


@dataclass(frozen=True)
class Surface:
    """A mesh, and the cell size below which its shape is noise."""

    mesh: Mesh
    cell: float = 0.0  # world units, 0 = exact

    def visible_normals(self, fragments: Fragments) -> Tensor:
        """Unit normals [P,3], world, of covered pixels, by which view angles are measured."""
        mesh = with_mean_normals(self.mesh, SMOOTHING_ROUNDS) if self.cell else self.mesh
        return F.normalize(fragments.interpolate_seen(corner_normals(mesh)), dim=-1)


def observed_pixels(
    surface: Surface, fragments: Fragments, projector: Projector, max_view_angle: float
) -> tuple[Tensor, Tensor]:  # [1,1,H,W] bool, [1,3,H,W] sRGB 0-1, 0 where not seen
    """Pixels whose surface point a view of `projector` saw at less than `max_view_angle` degrees, and their colours.

    fragments: the surface rasterised in one picture.
    """
    points, normals = fragments.interpolate_seen(surface.mesh.triangles), surface.visible_normals(fragments)
    strict = projector.look_up(points, normals, slack=surface.cell, min_cosine=_cosine(max_view_angle))
    covered = fragments.mask[:, None]
    seen = _layer(covered, strict.seen)
    if surface.cell:
        loose = projector.look_up(
            points,
            normals,
            slack=LOOSE_DEPTH_CELLS * surface.cell,
            min_cosine=_cosine(min(max_view_angle + EXTRA_VIEW_ANGLE_DEG, 90.0)),
        )
        seen = majority(seen, covered) & _layer(covered, loose.seen)
        strict = strict.or_else(loose)
    colors = torch.zeros(*fragments.mask.shape, 3)
    colors[fragments.mask] = strict.colors
    return seen, colors.movedim(-1, 1) * seen


def majority(seen: Tensor, covered: Tensor) -> Tensor:
    """Majority filter: `covered` pixels of whose 3x3 covered neighbourhood most are seen; [1,1,H,W] bool each."""
    votes, voters = (F.avg_pool2d(layer.float(), 3, 1, 1) for layer in (seen & covered, covered))
    return covered & (votes > voters / 2)


def with_mean_normals(mesh: Mesh, rounds: int) -> Mesh:
    """The mesh with area-weighted vertex normals, averaged over `rounds` rings of neighbours."""
    weight = mesh.face_areas[:, None]
    faces = (mesh.face_normals * weight)[:, None].expand(-1, 3, -1)
    for _ in range(rounds + 1):
        normals = torch.zeros_like(mesh.vertices).index_add_(0, mesh.faces.reshape(-1), faces.reshape(-1, 3))
        normals = F.normalize(normals, dim=-1)
        faces = (normals[mesh.faces].sum(1) * weight)[:, None].expand(-1, 3, -1)
    return replace(mesh, vertex_normals=normals)


def _layer(covered: Tensor, values: Tensor) -> Tensor:
    layer = torch.zeros_like(covered)
    layer[covered] = values
    return layer


def _cosine(degrees: float) -> float:
    return math.cos(math.radians(degrees))
