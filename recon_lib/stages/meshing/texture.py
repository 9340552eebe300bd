"""Texture baking: observed colours where views see the mesh, inferred colours elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import BadInput
from ...fields.field import Field
from ...memory import explain_oom, in_chunks
from ...meshes.clean import decimated
from ...meshes.diffuse import diffuse
from ...meshes.mesh import Mesh
from ...meshes.one_origin import counted_alike
from ...meshes.subdivide import split_long_edges
from ...meshes.symmetry import Symmetry, mirror_planes
from ...meshes.unwrap import unwrap
from ...progress import Progress
from ...render.fill import fill_nearest, nearest_values
from ...render.mesh import creased_normals
from ...render.projection import Projected, Projector, extent
from ...render.rasterize import Fragments, rasterize_uv
from ...views.views import Views

log = logging.getLogger("recon3d")
MAX_FACES = 20_000  # unwrapping takes about one second
STEPS = 5
MAX_EDGE = 0.03  # of the mesh's extent: colours diffuse from vertex to vertex, which needs short edges
MAX_SHIFT = 0.2  # sRGB, of the correction of mirrored colours
SYMMETRY_GAIN = 0.03  # fraction of all vertices that a symmetry must newly show to be used
MAX_SYMMETRIES = 3
FRINGE = 640  # pixels of a picture's longer side for each pixel of a mask's edge whose colour is not used
MIN_TURN_COSINE = -0.1  # between a view's axis and its image under a symmetry; -1: front and back are exchanged


@explain_oom("baking the texture", "choose a smaller texture or fewer triangles")
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
    """Mesh of at most `max_faces` triangles with UVs, a texture of `size` x `size` and provenance per vertex.

    Texels that views see have the colours seen there, blended by view angle; observed views take precedence over
    outpainted ones. The others have the colour of `field`, otherwise the mesh's vertex colours, otherwise those of
    the object's mirror image (`mirror`, if the shape has a plane of symmetry), otherwise a smooth continuation
    of the seen colours along the surface. Gaps between charts are filled with their nearest texel.
    """
    colored = field is not None and field.has_color
    if views is None and not colored and mesh.vertex_colors is None:
        raise BadInput("There is no source of colours; connect views or a field that has colour.")
    if not 16 <= size <= 8192:
        raise BadInput(f"A texture of {size} texels a side is out of range; choose 16 to 8192, usually 1024.")
    if views is not None:
        mesh = counted_alike(mesh, views.cameras)[0]
    progress = progress or Progress()
    progress.start("Bake texture", STEPS)
    with _timed("unwrap", progress):
        reduced = decimated(mesh, max_faces)
        progress.check()
        result = unwrap(reduced, size, progress.check).mesh
        progress.check()
        surface = split_long_edges(result, MAX_EDGE * extent(result.vertices))
    with _timed("rasterize", progress):
        texels = _Texels.of(surface, size)
    with _timed("project", progress):
        seen = _Seen.by(views, surface, texels, progress.check)
    with _timed("fill", progress):
        if seen.texels.seen.all():
            colors = seen.texels.colors
        elif colored:
            colors = seen.completed(lambda points: in_chunks(field.color, points, check=progress.check), texels)
        elif mesh.vertex_colors is not None:
            colors = seen.completed(lambda points: nearest_values(points, mesh.vertices, mesh.vertex_colors), texels)
        else:
            colors = _continued(surface, texels, seen, mirror)
    with _timed("pad", progress):
        texture = texels.image(colors)
    provenance = seen.provenance[: len(result.vertices)]
    return replace(result, texture=texture, vertex_colors=None, provenance=provenance)


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


@dataclass(frozen=True)
class _Texels:
    """Surface points and normals of the P texels that the charts cover."""

    fragments: Fragments
    corner_normals: Tensor  # [M,3,3] unit, world
    points: Tensor  # [P,3] world
    normals: Tensor  # [P,3] unit, world

    @classmethod
    def of(cls, mesh: Mesh, size: int) -> "_Texels":
        fragments = rasterize_uv(mesh.uvs, mesh.faces, size, size)
        corner_normals = creased_normals(mesh)
        layers = torch.cat([mesh.triangles, corner_normals], -1)
        points, normals = fragments.interpolate_seen(layers).split(3, -1)
        return cls(fragments, corner_normals, points, F.normalize(normals, dim=-1))

    def spread(self, mesh: Mesh, values: Tensor) -> Tensor:
        """Vertex values [N,C] at the texels [P,C]."""
        return self.fragments.interpolate_seen(values[mesh.faces])

    def image(self, colors: Tensor) -> Tensor:
        """Texel colours [P,3] as a texture [3,S,S] without gaps."""
        covered = self.fragments.mask[0]
        texture = colors.new_zeros(3, *covered.shape)
        texture[:, covered] = colors.T
        return fill_nearest(texture, covered).clamp(0, 1)


@dataclass(frozen=True)
class _Seen:
    """Projected colours of the views, at texels and at vertices."""

    projector: Projector | None
    texels: Projected  # including rims and grazing angles
    vertices: Projected  # including rims and grazing angles
    provenance: Tensor  # [N] uint8 of the vertices, without rims and grazing angles

    @classmethod
    def by(cls, views: Views | None, mesh: Mesh, texels: _Texels, check: Callable[[], None]) -> "_Seen":
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

    def completed(self, color: Callable[[Tensor], Tensor], texels: "_Texels") -> Tensor:
        """Texel colours [P,3], with `color` ([N,3] world -> [N,3]) at unseen texels."""
        unseen = ~self.texels.seen
        colors = self.texels.colors.clone()
        colors[unseen] = color(texels.points[unseen]).to(colors)
        return colors

    def mirrored(self, motion: Symmetry, points: Tensor, normals: Tensor) -> Projected:
        """Projected colours at the images of surface points [P,3] under `motion`."""
        slack = 2 * motion.error * self.projector.extent
        return self.projector.look_up(motion.apply(points), motion.turn(normals), slack)


def _continued(mesh: Mesh, texels: _Texels, seen: _Seen, mirror: bool) -> Tensor:
    """Texel colours [P,3]: seen ones, mirrored ones, and a smooth continuation of both."""
    colors, has_color = seen.texels.colors, seen.texels.seen
    vertex_colors, vertex_has_color = seen.vertices.colors, seen.vertices.seen
    for motion in _useful_symmetries(mesh, seen) if mirror else ():
        at_vertices = seen.mirrored(motion, mesh.vertices, mesh.vertex_normals)
        at_texels = seen.mirrored(motion, texels.points, texels.normals)
        # light differs on the two sides: the difference where both are seen is diffused over the rest
        both = vertex_has_color & at_vertices.seen
        shift = torch.zeros_like(vertex_colors)
        if both.any():
            difference = (vertex_colors - at_vertices.colors).mean(-1, keepdim=True)  # light is grey, paint is not
            shift = diffuse(mesh, difference, both).clamp(-MAX_SHIFT, MAX_SHIFT).expand_as(vertex_colors)
        reflected = (at_texels.colors + texels.spread(mesh, shift)).clamp(0, 1)
        colors = torch.where(has_color[:, None], colors, reflected)
        vertex_colors = torch.where(vertex_has_color[:, None], vertex_colors, (at_vertices.colors + shift).clamp(0, 1))
        has_color, vertex_has_color = has_color | at_texels.seen, vertex_has_color | at_vertices.seen
    smooth = texels.spread(mesh, diffuse(mesh, vertex_colors, vertex_has_color))
    return torch.where(has_color[:, None], colors, smooth)


def _useful_symmetries(mesh: Mesh, seen: _Seen) -> list[Symmetry]:
    """Reflections, and rotations composed of two of them, that show unseen vertices, in order of how many.

    None that carries the front to the back: no picture, such as that of a face, is repeated there.
    """
    planes = mirror_planes(mesh, check=seen.projector.check)
    motions = planes + [a.then(b) for a in planes[:2] for b in planes[:2] if a is not b]
    axes = seen.projector.cameras.rotation[:, :, 2]  # [V,3]
    motions = [motion for motion in motions if ((motion.turn(axes) * axes).sum(-1) > MIN_TURN_COSINE).any()]
    visible = [seen.mirrored(motion, mesh.vertices, mesh.vertex_normals).seen for motion in motions]
    has_color, enough = seen.vertices.seen, SYMMETRY_GAIN * len(mesh.vertices)
    chosen: list[Symmetry] = []
    while len(chosen) < MAX_SYMMETRIES and motions:
        gains = [int((s & ~has_color).sum()) for s in visible]
        best = max(range(len(motions)), key=gains.__getitem__)
        if gains[best] < enough:
            break
        chosen.append(motions[best])
        has_color = has_color | visible[best]
    return chosen


@contextmanager
def _timed(step: str, progress: Progress) -> Iterator[None]:
    start = time.perf_counter()
    yield
    log.info("texture: %s %.2f s", step, time.perf_counter() - start)
    progress.step()
