"""Colours of what no picture shows: of the object's mirror image, and a smooth continuation of what is seen."""

import torch
from torch import Tensor

from ...meshes.diffuse import diffuse
from ...meshes.mesh import Mesh
from ...meshes.symmetry import Symmetry, mirror_planes
from .seen import Seen
from .texels import Texels

MAX_SHIFT = 0.2  # sRGB, of the correction of mirrored colours
SYMMETRY_GAIN = 0.03  # fraction of all vertices that a symmetry must newly show to be used
MAX_SYMMETRIES = 3
MIN_TURN_COSINE = -0.1  # between a view's axis and its image under a symmetry; -1: front and back are exchanged


def continued(mesh: Mesh, texels: Texels, seen: Seen, mirror: bool) -> Tensor:
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


def _useful_symmetries(mesh: Mesh, seen: Seen) -> list[Symmetry]:
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
