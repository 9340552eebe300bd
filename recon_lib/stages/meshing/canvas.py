"""The surface of a mesh of any origin as photos are painted onto it: texels, or vertices where there are very many."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...meshes.clean import decimated
from ...meshes.mesh import Mesh
from ...meshes.subdivide import split_long_edges
from ...meshes.unwrap import unwrap
from ...provenance import Provenance
from ...render.fill import fill_nearest
from ...render.mesh import sample_texture
from ...render.projection import extent
from ...render.surface_colors import vertex_colors
from ...render.uv_layout import can_be_painted
from .near_samples import NearSamples
from .texels import Texels

log = logging.getLogger("recon3d")
MAX_UNWRAPPED = 100_000  # faces; beyond them unwrapping takes minutes, and vertices are as fine as texels
MAX_DIFFUSED = 200_000  # faces on which colours are diffused; more are represented by a coarser copy
COARSE_FACES = 60_000
MAX_EDGE = 0.03  # of the mesh's extent: colours diffuse from vertex to vertex, which needs short edges


@dataclass(frozen=True)
class Canvas:
    """What is painted: P samples of a mesh's surface."""

    mesh: Mesh  # as it will be returned, but for its colours
    carrier: Mesh  # the same surface, with vertices that smooth values can live on
    samples: Texels | NearSamples
    texels: Texels | None  # None: the vertices are the samples
    face: Tensor  # [P] int64: the face of `mesh` that each sample lies on
    own: Tensor | None  # [P,3] sRGB, colours that the mesh came with
    earlier: Tensor  # [P] bool: painted by an earlier photo, not to be touched
    kept_uvs: bool

    @classmethod
    def of(cls, mesh: Mesh, size: int, check: Callable[[], None]) -> "Canvas":
        """The canvas of a mesh with faces; its textures' longer side has at least `size` texels."""
        height, width = _texture_size(mesh, size)
        if can_be_painted(mesh, height, width):
            return cls._of_texels(mesh.with_normals(), mesh, height, width, check)
        check()
        if len(mesh.faces) > MAX_UNWRAPPED:
            log.info("%d triangles without UVs of their own: their vertices are painted", len(mesh.faces))
            return cls._of_vertices(mesh, check)
        unwrapped = unwrap(mesh, size, check)
        source = unwrapped.source
        old = replace(mesh, vertices=unwrapped.mesh.vertices, faces=unwrapped.mesh.faces, vertex_normals=None,
                      vertex_colors=unwrapped.mesh.vertex_colors, provenance=unwrapped.mesh.provenance,
                      uvs=None if mesh.uvs is None else mesh.uvs[source])  # fmt: skip
        return cls._of_texels(unwrapped.mesh, old, size, size, check)

    @classmethod
    def _of_texels(cls, mesh: Mesh, old: Mesh, height: int, width: int, check: Callable[[], None]) -> "Canvas":
        """mesh: with the UVs that are painted; old: the same vertices with the UVs and the texture that it had."""
        texels, kept = Texels.of(mesh, height, width, check), mesh.uvs is old.uvs
        check()
        face = texels.fragments.face[texels.fragments.mask]
        own, earlier = _own_at_texels(texels, mesh, old, kept), _earlier_texels(texels, mesh, kept)
        check()
        if len(mesh.faces) > MAX_DIFFUSED:
            carrier = decimated(mesh, COARSE_FACES, check)
            samples = NearSamples.of(texels.points, texels.normals, carrier, check)
            return cls(mesh, carrier, samples, texels, face, own, earlier, kept)
        carrier = split_long_edges(mesh, MAX_EDGE * extent(mesh.vertices))
        if carrier is not mesh:
            fine = Texels.of(carrier, height, width, check)
            (own, earlier, face), texels = _moved([own, earlier, face], texels, fine), fine
        return cls(mesh, carrier, texels, texels, face, own, earlier, kept)

    @classmethod
    def _of_vertices(cls, mesh: Mesh, check: Callable[[], None]) -> "Canvas":
        own = vertex_colors(mesh)
        bare = replace(mesh, uvs=None, texture=None, texture_provenance=None).with_normals()
        carrier = decimated(bare, COARSE_FACES, check)
        samples = NearSamples.of(bare.vertices, bare.vertex_normals, carrier, check)
        face = torch.zeros(len(bare.vertices), dtype=torch.int64, device=bare.faces.device)
        face[bare.faces.reshape(-1)] = torch.arange(len(bare.faces), device=face.device).repeat_interleave(3)
        earlier = torch.zeros_like(face, dtype=torch.bool)
        if mesh.provenance is not None:
            earlier = mesh.provenance == Provenance.OBSERVED
        return cls(bare, carrier, samples, None, face, own, earlier, False)

    def finished(self, colors: Tensor, codes: Tensor, provenance: Tensor) -> Mesh:
        """The mesh in the colours [P,3]; codes [P] of the samples, provenance [N] of its vertices (uint8)."""
        if self.texels is None:
            return replace(self.mesh, vertex_colors=colors.clamp(0, 1), provenance=codes)
        covered = self.texels.fragments.mask[0]
        layer = torch.full(covered.shape, int(Provenance.NONE), dtype=torch.uint8, device=codes.device)
        layer[covered] = codes
        return replace(self.mesh, texture=self.texels.image(colors), vertex_colors=None, provenance=provenance,
                       texture_provenance=layer)  # fmt: skip


def _texture_size(mesh: Mesh, size: int) -> tuple[int, int]:
    """Height and width: those of the mesh's texture, times what brings its longer side to `size`."""
    if mesh.texture is None:
        return size, size
    height, width = mesh.texture.shape[1:]
    factor = max(-(-size // max(height, width)), 1)
    return factor * height, factor * width


def _earlier_texels(texels: Texels, mesh: Mesh, kept: bool) -> Tensor:
    """Texels [P] bool that show an earlier photo: by the texture's provenance, otherwise by all corners of the face."""
    if kept and mesh.texture_provenance is not None:
        codes = mesh.texture_provenance[None, None].float()
        codes = F.interpolate(codes, texels.fragments.mask.shape[1:], mode="nearest-exact")
        return codes[0, 0][texels.fragments.mask[0]] == Provenance.OBSERVED
    if mesh.provenance is None:
        return torch.zeros(len(texels.points), dtype=torch.bool, device=texels.points.device)
    return texels.spread(mesh, (mesh.provenance == Provenance.OBSERVED).float()[:, None])[:, 0] > 0.999


def _moved(values: list, texels: Texels, fine: Texels) -> list:
    """Values [P,...] of texels as those of `fine`, which cover the same charts but for single texels at the edges."""
    covered, wanted = texels.fragments.mask[0].cpu(), fine.fragments.mask[0].cpu()
    row = torch.full(covered.shape, -1, dtype=torch.int64)
    row[covered] = torch.arange(int(covered.sum()))
    if (wanted & ~covered).any():
        row = fill_nearest(row[None], covered)[0]
    rows = row[wanted].to(fine.points.device)
    return [None if value is None else value[rows] for value in values]


def _own_at_texels(texels: Texels, mesh: Mesh, old: Mesh, kept: bool) -> Tensor | None:
    """Colours that the mesh came with, at the texels [P,3]."""
    mask = texels.fragments.mask
    if old.texture is not None and old.uvs is not None:
        if kept:
            size = mask.shape[1:]
            grown = F.interpolate(old.texture[None], size, mode="bilinear", align_corners=False)[0]
            return grown[:, mask[0]].T
        return sample_texture(old.texture, texels.spread(mesh, old.uvs), repeat=old.repeats)
    return None if old.vertex_colors is None else texels.spread(mesh, old.vertex_colors)
