"""A texture for a mesh: what the views saw as they saw it, and a likely colour for the rest."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import BadInput
from ..fields.field import Field
from ..geometry.decimate import decimate
from ..geometry.diffuse import diffuse
from ..geometry.mesh import Mesh
from ..geometry.symmetry import MirrorPlane, mirror_planes
from ..geometry.subdivide import split_long_edges
from ..geometry.unwrap import unwrap
from ..memory import in_chunks
from ..progress import Progress
from ..provenance import Provenance
from ..render.fill import fill_nearest
from ..render.mesh import creased_normals
from ..render.projection import Projected, Projector, extent
from ..render.rasterize import Fragments, rasterize_uv
from ..views import Views

log = logging.getLogger("recon3d")
MAX_FACES = 20_000  # keeps the unwrapping near one second
STEPS = 5
FINEST = 0.03  # of the mesh's extent: colours are continued from vertex to vertex, which needs short edges
CREASE = 0.8  # cosine: a corner whose smooth normal is further from the face's takes the face's own
MAX_SHIFT = 0.35  # sRGB: how far a mirrored colour may be corrected
MIRROR_GAIN = 0.05  # share of the unseen vertices that a mirror must show to be worth using


def bake_texture(
    mesh: Mesh,
    views: Views | None = None,
    *,
    field: Field | None = None,
    size: int = 1024,
    max_faces: int = MAX_FACES,
    mirror: bool = True,
    progress: Progress | None = None,
) -> Mesh:
    """A mesh of at most `max_faces` triangles with UVs, a texture of `size` x `size` and provenance per vertex.

    Texels that a view sees keep the colours seen there, blended by view angle where several see them, and observed
    before outpainted ones. The others take the colour of `field`, else the mesh's own vertex colours, else what
    the object's mirror image shows (`mirror`, if the shape has a plane of symmetry), else a smooth continuation
    of the seen colours along the surface. Gaps between charts are filled with their nearest texel.
    """
    colored = field is not None and field.has_color
    if views is None and not colored and mesh.vertex_colors is None:
        raise BadInput("There is nothing to take colours from; connect views or a field that has colour.")
    if not 16 <= size <= 8192:
        raise BadInput(f"A texture of {size} texels a side is out of range; choose 16 to 8192, usually 1024.")
    progress = progress or Progress()
    progress.start("Bake texture", STEPS)
    with _timed("unwrap", progress):
        result = unwrap(decimate(mesh, max_faces), size).mesh
        mesh = split_long_edges(result, FINEST * extent(result.vertices))
    with _timed("rasterize", progress):
        texels = _Texels.of(mesh, size)
    with _timed("project", progress):
        seen = _Seen.by(views, mesh, texels)
    with _timed("fill", progress):
        if colored:
            unseen = ~seen.texels.seen
            colors = seen.texels.colors.clone()
            colors[unseen] = in_chunks(field.color, texels.points[unseen], check=progress.check).to(colors).clamp(0, 1)
        elif mesh.vertex_colors is not None:
            unseen = texels.spread(mesh, mesh.vertex_colors)
            colors = torch.where(seen.texels.seen[:, None], seen.texels.colors, unseen)
        else:
            colors = _continued(mesh, texels, seen, mirror)
    with _timed("pad", progress):
        texture = texels.image(colors)
    provenance = seen.vertices.provenance[: len(result.vertices)]
    return replace(result, texture=texture, vertex_colors=None, provenance=provenance)


@dataclass(frozen=True)
class _Texels:
    """The P texels that the charts cover, as points on the surface."""

    fragments: Fragments
    corner_normals: Tensor  # [M,3,3] unit, world
    points: Tensor  # [P,3] world
    normals: Tensor  # [P,3] unit, world

    @classmethod
    def of(cls, mesh: Mesh, size: int) -> "_Texels":
        fragments = rasterize_uv(mesh.uvs, mesh.faces, size, size)
        corner_normals = creased_normals(mesh, CREASE)
        layers = torch.cat([mesh.triangles, corner_normals], -1)
        points, normals = fragments.interpolate(layers)[fragments.mask].split(3, -1)
        return cls(fragments, corner_normals, points, F.normalize(normals, dim=-1))

    def spread(self, mesh: Mesh, values: Tensor) -> Tensor:
        """Vertex values [N,C] at the texels [P,C]."""
        return self.fragments.interpolate(values[mesh.faces])[self.fragments.mask]

    def image(self, colors: Tensor) -> Tensor:
        """Texel colours [P,3] as a texture [3,S,S] without gaps."""
        covered = self.fragments.mask[0]
        texture = colors.new_zeros(3, *covered.shape)
        texture[:, covered] = colors.T
        return fill_nearest(texture, covered).clamp(0, 1)


@dataclass(frozen=True)
class _Seen:
    """What the views show, at texels and at vertices."""

    projector: Projector | None
    texels: Projected
    vertices: Projected

    @classmethod
    def by(cls, views: Views | None, mesh: Mesh, texels: _Texels) -> "_Seen":
        if views is None or not len(views):
            return cls(None, Projected.nothing(texels.points), Projected.nothing(mesh.vertices))
        projector = Projector.prepare(views, mesh)
        at_texels = projector.look_up(texels.points, texels.normals)
        at_corners = projector.look_up(mesh.triangles.reshape(-1, 3), texels.corner_normals.reshape(-1, 3))
        at_vertices = at_corners.merged(mesh.faces.reshape(-1), len(mesh.vertices))
        if not at_vertices.seen.any():
            raise BadInput("No view shows any part of the mesh; check masks and cameras, or the mesh's frame.")
        return cls(projector, at_texels, at_vertices)

    def mirrored(self, plane: MirrorPlane, points: Tensor, normals: Tensor) -> Projected:
        """What the views show at the mirror images of surface points [P,3]."""
        slack = 2 * plane.error * self.projector.extent
        return self.projector.look_up(plane.reflect(points), plane.reflect_directions(normals), slack)


def _continued(mesh: Mesh, texels: _Texels, seen: _Seen, mirror: bool) -> Tensor:
    """Texel colours [P,3]: seen ones as they are, mirrored ones, and a smooth continuation of both."""
    colors, known = seen.texels.colors, seen.texels.seen
    vertex_colors, vertex_known = seen.vertices.colors, seen.vertices.seen
    plane = _useful_mirror(mesh, seen) if mirror else None
    if plane is not None:
        at_vertices = seen.mirrored(plane, mesh.vertices, mesh.vertex_normals)
        at_texels = seen.mirrored(plane, texels.points, texels.normals)
        # light differs on the two sides: what mirror and truth differ by where both are seen goes on beyond
        both = vertex_known & at_vertices.seen
        if both.any():
            shift = diffuse(mesh, vertex_colors - at_vertices.colors, both).clamp(-MAX_SHIFT, MAX_SHIFT)
        else:
            shift = torch.zeros_like(vertex_colors)
        reflected = (at_texels.colors + texels.spread(mesh, shift)).clamp(0, 1)
        colors = torch.where(known[:, None], colors, reflected)
        vertex_colors = torch.where(vertex_known[:, None], vertex_colors, (at_vertices.colors + shift).clamp(0, 1))
        known, vertex_known = known | at_texels.seen, vertex_known | at_vertices.seen
    smooth = texels.spread(mesh, diffuse(mesh, vertex_colors, vertex_known))
    return torch.where(known[:, None], colors, smooth)


def _useful_mirror(mesh: Mesh, seen: _Seen) -> MirrorPlane | None:
    """The plane of symmetry whose mirror image shows most of what the views do not; None if none shows enough."""
    unseen = ~seen.vertices.seen
    best, best_gain = None, MIRROR_GAIN * float(unseen.sum())
    for plane in mirror_planes(mesh):
        gain = float(seen.mirrored(plane, mesh.vertices[unseen], mesh.vertex_normals[unseen]).seen.sum())
        if gain > best_gain:
            best, best_gain = plane, gain
    return best


@contextmanager
def _timed(step: str, progress: Progress) -> Iterator[None]:
    start = time.perf_counter()
    yield
    log.info("texture: %s %.2f s", step, time.perf_counter() - start)
    progress.step()
