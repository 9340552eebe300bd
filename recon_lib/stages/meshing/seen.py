"""What posed pictures show of a surface, at its texels and at its vertices."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import BadInput
from ...meshes.mesh import Mesh
from ...meshes.symmetry import Symmetry
from ...render.fill import fill_nearest
from ...render.projection import Projected, Projector
from ...views.views import Views
from .texels import Texels

FRINGE = 640  # pixels of a picture's longer side for each pixel of a mask's edge whose colour is not used


@dataclass(frozen=True)
class Seen:
    """Projected colours of the views, at texels and at vertices."""

    projector: Projector | None
    texels: Projected  # including rims and grazing angles
    vertices: Projected  # including rims and grazing angles
    provenance: Tensor  # [N] uint8 of the vertices, without rims and grazing angles

    @classmethod
    def by(cls, views: Views | None, mesh: Mesh, texels: Texels, check: Callable[[], None]) -> "Seen":
        if views is None or not len(views):
            nothing = Projected.nothing(mesh.vertices)
            return cls(None, Projected.nothing(texels.points), nothing, nothing.provenance)
        projector = Projector.prepare(without_fringes(views), mesh, check)

        def at_vertices(include_rim: bool) -> Projected:
            points, normals = mesh.triangles.reshape(-1, 3), texels.corner_normals.reshape(-1, 3)
            seen = projector.look_up(points, normals, include_rim=include_rim)
            return seen.merged(mesh.faces.reshape(-1), len(mesh.vertices))

        vertices = at_vertices(include_rim=False)
        if not vertices.seen.any():
            raise BadInput("No view shows any part of the mesh; check masks and cameras, or the mesh's frame.")
        at_texels = projector.look_up(texels.points, texels.normals)
        at_texels = at_texels.or_else(projector.look_up(texels.points, texels.normals, include_rim=True))
        return cls(projector, at_texels, vertices.or_else(at_vertices(include_rim=True)), vertices.provenance)

    def completed(self, color: Callable[[Tensor], Tensor], texels: Texels) -> Tensor:
        """Texel colours [P,3], with `color` ([N,3] world -> [N,3]) at unseen texels."""
        unseen = ~self.texels.seen
        colors = self.texels.colors.clone()
        colors[unseen] = color(texels.points[unseen]).to(colors)
        return colors

    def mirrored(self, motion: Symmetry, points: Tensor, normals: Tensor) -> Projected:
        """Projected colours at the images of surface points [P,3] under `motion`."""
        slack = 2 * motion.error * self.projector.extent
        return self.projector.look_up(motion.apply(points), motion.turn(normals), slack)


def without_fringes(views: Views) -> Views:
    """The views with the colour of what lies further within on each mask's outermost pixels, one per `FRINGE` pixels
    of the longer side: a mask is seldom exact, and what it takes in of the background would stick to the edges.

    What is thinner than that keeps its colours.
    """
    width = round(max(views.images.shape[-2:]) / FRINGE)
    if not width:
        return views
    kernel = 2 * width + 1
    on = (views.masks > 0.5).float()
    core = -F.max_pool2d(-on, kernel, 1, width)
    thin = on * (1 - F.max_pool2d(core, 2 * kernel + 1, 1, kernel))
    known = (core + thin) > 0
    filled = [fill_nearest(*each) for each in zip(views.images, known[:, 0], strict=True)]
    fringe = (on > 0) & ~known
    return replace(views, images=torch.where(fringe, torch.stack(filled), views.images))
