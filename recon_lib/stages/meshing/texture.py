"""Texture baking: observed colours where views see the mesh, inferred colours elsewhere."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ...errors import BadInput
from ...fields.field import Field
from ...memory import explain_oom, in_chunks
from ...meshes.clean import decimated
from ...meshes.mesh import Mesh
from ...meshes.one_origin import counted_alike
from ...meshes.subdivide import split_long_edges
from ...meshes.unwrap import unwrap
from ...progress import Progress
from ...render.fill import nearest_values
from ...render.projection import extent
from ...views.views import Views
from .continued import continued
from .seen import Seen
from .texels import Texels

log = logging.getLogger("recon3d")
MAX_FACES = 20_000  # unwrapping takes about one second
STEPS = 5
MAX_EDGE = 0.03  # of the mesh's extent: colours diffuse from vertex to vertex, which needs short edges


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
        reduced = decimated(mesh, max_faces, progress.check)
        progress.check()
        result = unwrap(reduced, size, progress.check).mesh
        progress.check()
        surface = split_long_edges(result, MAX_EDGE * extent(result.vertices))
    with _timed("rasterize", progress):
        texels = Texels.of(surface, size, size, progress.check)
    with _timed("project", progress):
        seen = Seen.by(views, surface, texels, progress.check)
    with _timed("fill", progress):
        if seen.texels.seen.all():
            colors = seen.texels.colors
        elif colored:
            colors = seen.completed(lambda points: in_chunks(field.color, points, check=progress.check), texels)
        elif mesh.vertex_colors is not None:
            colors = seen.completed(lambda points: nearest_values(points, mesh.vertices, mesh.vertex_colors), texels)
        else:
            colors = continued(surface, texels, seen, mirror)
    with _timed("pad", progress):
        texture = texels.image(colors)
    provenance = seen.provenance[: len(result.vertices)]
    return replace(result, texture=texture, vertex_colors=None, provenance=provenance)


@contextmanager
def _timed(step: str, progress: Progress) -> Iterator[None]:
    start = time.perf_counter()
    yield
    log.info("texture: %s %.2f s", step, time.perf_counter() - start)
    progress.step()
