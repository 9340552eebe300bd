"""Which points of a picture's surface earlier views really saw, steady on the rough surface of a fit.

The mesh of a fitted field undulates below the size of its cells. Taken at its word, it turns away from every camera
here and there and hides itself behind its own bumps: what was seen is speckled. So its normals are means over a few
cells, bumps of a cell hide nothing, and single pixels follow the pixels around them. A given mesh has no such
roughness: it is taken as it is.
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

ROUNDS = 3  # rings of neighbours over which a rough surface's normals are means
EXTRA_VIEW_ANGLE_DEG = 7.0  # degrees, and
DEEPER = 2.0  # cells: what a pixel that most of its neighbours outvote must still hold to


@dataclass(frozen=True)
class Surface:
    """A mesh, and the size of the cells below which its shape means nothing."""

    mesh: Mesh
    cell: float = 0.0  # world units, 0 = exact

    def visible_normals(self, shown: Fragments) -> Tensor:
        """Unit normals [P,3], world, by which covered pixels are turned to cameras."""
        mesh = with_mean_normals(self.mesh, ROUNDS) if self.cell else self.mesh
        return F.normalize(shown.interpolate_seen(corner_normals(mesh)), dim=-1)


def really_seen(
    surface: Surface, shown: Fragments, projector: Projector, max_view_angle: float
) -> tuple[Tensor, Tensor]:  # [1,1,H,W] bool, [1,3,H,W] sRGB 0-1, 0 where not seen
    """Pixels whose surface point a view of `projector` saw, turned to it by less than `max_view_angle` degrees; its
    colour.

    shown: the surface in one picture.
    """
    points, normals = shown.interpolate_seen(surface.mesh.triangles), surface.visible_normals(shown)
    strict = projector.look_up(points, normals, slack=surface.cell, min_cosine=_cosine(max_view_angle))
    covered = shown.mask[:, None]
    seen = _layer(covered, strict.seen)
    if surface.cell:
        loose = projector.look_up(
            points,
            normals,
            slack=DEEPER * surface.cell,
            min_cosine=_cosine(min(max_view_angle + EXTRA_VIEW_ANGLE_DEG, 90.0)),
        )
        seen = majority(seen, covered) & _layer(covered, loose.seen)
        strict = strict.or_else(loose)
    colors = torch.zeros(*shown.mask.shape, 3)
    colors[shown.mask] = strict.colors
    return seen, colors.movedim(-1, 1) * seen


def majority(seen: Tensor, covered: Tensor) -> Tensor:
    """`covered` pixels most of whose covered neighbours, with themselves, are seen; [1,1,H,W] bool each."""
    votes, voters = (F.avg_pool2d(layer.float(), 3, 1, 1) for layer in (seen & covered, covered))
    return covered & (votes > voters / 2)


def with_mean_normals(mesh: Mesh, rounds: int) -> Mesh:
    """The mesh with vertex normals that are means over so many rings of neighbours, by area."""
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
