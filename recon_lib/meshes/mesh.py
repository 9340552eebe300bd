"""A triangle mesh with everything an export needs: normals, colours, UVs, texture, provenance."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_finite, check_shape
from ..errors import BadInput

UV_SLACK = 1e-3  # of the texture's side: writers round


@dataclass(frozen=True)
class Mesh:
    """Triangles in the world frame (see `camera.py`), counter-clockwise seen from outside."""

    vertices: Tensor  # [N,3] float32
    faces: Tensor  # [M,3] int64
    vertex_normals: Tensor | None = None  # [N,3] unit
    vertex_colors: Tensor | None = None  # [N,3] sRGB 0-1
    uvs: Tensor | None = None  # [N,2], (0,0) the texture's top-left corner (glTF); outside 0-1 the texture repeats
    texture: Tensor | None = None  # [3,H,W] sRGB 0-1
    provenance: Tensor | None = None  # [N] uint8, codes of `Provenance`
    texture_provenance: Tensor | None = None  # [H,W] uint8, the same for the texels; NONE off the charts
    # Where the vertices' zero lies in the file that they came from, float64. Not zero for meshes far from their
    # origin, such as scans in map coordinates: float32 cannot hold those.
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_shape("vertices", self.vertices, "N", 3)
        check_shape("faces", self.faces, "M", 3)
        check_finite("vertices", self.vertices)
        if not self.vertices.is_floating_point() or self.faces.is_floating_point() or self.faces.is_complex():
            raise BadInput(
                f"The mesh has vertices of {self.vertices.dtype} and faces of {self.faces.dtype}; "
                "floating-point vertices and whole-numbered faces are needed."
            )
        count = len(self.vertices)
        if self.faces.numel() and not (int(self.faces.min()) >= 0 and int(self.faces.max()) < count):
            raise BadInput(f"A face points outside the mesh's {count} vertices; the mesh is damaged.")
        for name, width in (("vertex_normals", 3), ("vertex_colors", 3), ("uvs", 2)):
            if getattr(self, name) is not None:
                check_shape(name, getattr(self, name), count, width)
                self._check_values(name)
        if self.provenance is not None:
            check_shape("provenance", self.provenance, count)
        if self.texture is not None:
            check_shape("texture", self.texture, 3, "H", "W")
            self._check_values("texture")
        if self.texture_provenance is not None:
            if self.texture is None:
                raise BadInput("The mesh has provenance of texels, but no texture; the stage that made it is broken.")
            check_shape("texture_provenance", self.texture_provenance, *self.texture.shape[1:])
        if not (len(self.origin) == 3 and all(map(math.isfinite, self.origin))):
            raise BadInput(f"The mesh's origin is {str(self.origin)[:60]}; three finite numbers are needed.")

    def _check_values(self, name: str) -> None:
        values = getattr(self, name)
        check_finite(name, values)
        if not values.is_floating_point():
            raise BadInput(f"{name} holds {values.dtype}; floating-point numbers are needed.")

    def moved_to(self, origin: tuple[float, float, float]) -> "Mesh":
        """The same mesh in the same place with its vertices counted from another origin."""
        if origin == self.origin:
            return self
        shift = torch.tensor(self.origin, dtype=torch.float64) - torch.tensor(origin, dtype=torch.float64)
        vertices = (self.vertices.double().cpu() + shift).to(self.vertices)
        return replace(self, vertices=vertices, origin=origin)

    @property
    def placed_vertices(self) -> Tensor:
        """The vertices where the file has them, [N,3] float64 on the CPU."""
        return self.vertices.detach().cpu().double() + torch.tensor(self.origin, dtype=torch.float64)

    @property
    def repeats(self) -> bool:
        """The UVs leave 0-1, so that the texture repeats; a texture that does not repeat ends at its edges."""
        return self.uvs is not None and bool(((self.uvs < -UV_SLACK) | (self.uvs > 1 + UV_SLACK)).any())

    @property
    def bounds(self) -> Tensor:
        """Lower and upper corner [2,3] of the box around the vertices."""
        if not len(self.vertices):
            raise BadInput("The mesh has no vertices, so it has no extent; check the stage that made it.")
        return torch.stack([self.vertices.amin(0), self.vertices.amax(0)])

    @property
    def triangles(self) -> Tensor:
        """Corner positions [M,3,3]."""
        return self.vertices[self.faces]

    @property
    def face_areas(self) -> Tensor:
        """[M], world units squared."""
        return self._face_crosses().norm(dim=-1) / 2

    @property
    def face_normals(self) -> Tensor:
        """Unit outward normals [M,3]; zero for triangles without area."""
        return F.normalize(self._face_crosses(), dim=-1)

    def _face_crosses(self) -> Tensor:
        a, b, c = self.triangles.unbind(1)
        return torch.linalg.cross(b - a, c - a)

    def with_normals(self) -> "Mesh":
        """The mesh with area-weighted vertex normals, unless it has some already."""
        if self.vertex_normals is not None:
            return self
        summed = torch.zeros_like(self.vertices)
        summed.index_add_(0, self.faces.reshape(-1), self._face_crosses().repeat_interleave(3, 0))
        return replace(self, vertex_normals=F.normalize(summed, dim=-1))

    def mapped(self, function: Callable[[Tensor], Tensor]) -> "Mesh":
        """The mesh with `function` ([N,3] -> [N,3]) applied to its vertices; normals are dropped."""
        return replace(self, vertices=function(self.vertices), vertex_normals=None)

    def sample_surface(self, count: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Points uniform by area. -> points [count,3], face normals [count,3], face indices [count]."""
        areas = self.face_areas
        if not len(areas) or float(areas.sum()) <= 0:
            raise BadInput("The mesh has no surface to sample; it is empty or all its triangles are degenerate.")
        generator = torch.Generator().manual_seed(seed)
        # inverse CDF in float64: torch.multinomial refuses more than 2^24 triangles
        cumulative = areas.double().cumsum(0)
        draws = torch.rand(count, generator=generator, dtype=torch.float64) * cumulative[-1]
        face = torch.searchsorted(cumulative, draws).clamp_max(len(areas) - 1)
        u, v = torch.rand(2, count, 1, generator=generator)
        root = u.sqrt()
        corners = self.triangles[face]
        points = (1 - root) * corners[:, 0] + root * (1 - v) * corners[:, 1] + root * v * corners[:, 2]
        return points, self.face_normals[face], face
