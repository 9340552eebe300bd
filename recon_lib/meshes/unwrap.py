"""Texture coordinates: the surface cut into flat charts that are packed into one square."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput
from ..progress import unchecked
from .mesh import Mesh

# xatlas's parametrisation grows faster than linearly with a chart's faces; charts of at most this share of the
# surface keep 20,000 faces near one second and cost little more seam.
CHART_SHARE = 1 / 80
PADDING = 3  # texels between charts
# One call of xatlas cannot be interrupted, and holds Python's lock. Parts of so many faces take some tenths of a
# second each; their charts are packed together at most at this resolution, which costs less than a second.
PART_FACES = 2500
PACKED_SIDE = 1024
PACKED_FRACTION = 0.6  # of the square, which charts fill usually


@dataclass(frozen=True)
class Unwrapped:
    """A mesh with UVs and where its vertices come from (a vertex on a seam is there once per chart)."""

    mesh: Mesh
    source: Tensor  # [N] int64, vertex of the mesh before the cut


@dataclass(frozen=True)
class _Charts:
    """Flat charts of some faces."""

    source: np.ndarray  # [N] vertex of the mesh before the cut
    faces: np.ndarray  # [M,3] into `source`
    flat: np.ndarray  # [N,2] world units, or 0-1


def unwrap(mesh: Mesh, size: int = 1024, check: Callable[[], None] = unchecked) -> Unwrapped:
    """Cut and flatten `mesh` for a texture of `size` x `size` texels (xatlas). Charts do not overlap.

    Normals are made before the cut, so that seams do not show in the shading; all other vertex values are kept.
    `check` is called before each part of the work (pass `Progress.check`), and raises where the user wants to stop.
    """
    if not len(mesh.faces):
        raise BadInput("The mesh has no faces to unwrap; check the stage that made it.")
    mesh = mesh.with_normals()
    vertices, faces = mesh.vertices.cpu().numpy(), mesh.faces.cpu().numpy().astype(np.uint32)
    chart_area = CHART_SHARE * float(mesh.face_areas.sum())
    parts = _parts(vertices[faces].mean(1))
    if len(parts) == 1:
        charts = _charts(vertices, faces, chart_area, {"resolution": size, "padding": PADDING})
    else:
        pieces = []
        for rows in parts:
            check()
            pieces.append(_part(vertices, faces[rows], chart_area))
        check()
        charts = _packed(_joined(pieces, np.concatenate(parts)), size)
    return _cut(mesh, charts)


def _parts(centers: np.ndarray) -> list[np.ndarray]:
    """Rows of the faces with `centers` [M,3] in compact parts of about `PART_FACES`, halved along the longest side."""
    waiting, parts = [np.arange(len(centers))], []
    while waiting:
        rows = waiting.pop()
        if len(rows) <= PART_FACES:
            parts.append(rows)
            continue
        around = centers[rows]
        order = np.argsort(around[:, np.ptp(around, axis=0).argmax()], kind="stable")
        waiting += [rows[order[len(rows) // 2 :]], rows[order[: len(rows) // 2]]]
    return parts


def _charts(vertices: np.ndarray, faces: np.ndarray, chart_area: float, packing: dict) -> _Charts:
    """Charts of at most `chart_area`, packed into 0-1."""
    import xatlas

    options = xatlas.ChartOptions()
    options.max_chart_area = chart_area
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices, faces)
    atlas.generate(options, _pack_options(**packing))
    return _Charts(*atlas[0])


def _part(vertices: np.ndarray, faces: np.ndarray, chart_area: float) -> _Charts:
    """Charts of some of the mesh's faces, world units."""
    used, own = np.unique(faces, return_inverse=True)
    own = own.reshape(-1, 3).astype(np.uint32)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    scale = PACKED_SIDE / 4 / max(float(area), 1e-12) ** 0.5
    import xatlas

    options = xatlas.ChartOptions()
    options.max_chart_area = chart_area
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices[used], own)
    atlas.generate(options, _pack_options(texels_per_unit=scale, padding=1))
    source, cut, uvs = atlas[0]
    return _Charts(used[source], cut, uvs * (np.array([atlas.width, atlas.height]) / scale))


def _joined(pieces: list[_Charts], order: np.ndarray) -> _Charts:
    """One list of charts; `order` [M] says which face of the mesh each of their faces is."""
    starts = np.cumsum([0, *(len(piece.source) for piece in pieces[:-1])])
    shifted = np.concatenate([piece.faces + start for piece, start in zip(pieces, starts, strict=True)])
    faces = np.empty_like(shifted)
    faces[order] = shifted
    return _Charts(np.concatenate([p.source for p in pieces]), faces, np.concatenate([p.flat for p in pieces]))


def _packed(charts: _Charts, size: int) -> _Charts:
    """The same charts side by side in 0-1."""
    import xatlas

    side = min(size, PACKED_SIDE)
    corners = charts.flat[charts.faces]
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]).sum() / 2
    scale = side * (PACKED_FRACTION / max(float(area), 1e-12)) ** 0.5
    atlas = xatlas.Atlas()
    atlas.add_uv_mesh((charts.flat * scale).astype(np.float32), charts.faces.astype(np.uint32))
    padding = max(round(PADDING * side / size), 1)
    atlas.generate(xatlas.ChartOptions(), _pack_options(texels_per_unit=1.0, padding=padding))
    source, faces, uvs = atlas[0]
    return _Charts(charts.source[source], faces, uvs)


def _pack_options(**values: float):
    import xatlas

    options = xatlas.PackOptions()
    for name, value in values.items():
        setattr(options, name, value)
    return options


def _cut(mesh: Mesh, charts: _Charts) -> Unwrapped:
    """The mesh with a vertex for each chart that it is in."""
    device = mesh.vertices.device
    source = torch.from_numpy(charts.source.astype(np.int64)).to(device)
    cut = replace(
        mesh,
        vertices=mesh.vertices[source],
        faces=torch.from_numpy(charts.faces.astype(np.int64)).to(device),
        vertex_normals=mesh.vertex_normals[source],
        vertex_colors=None if mesh.vertex_colors is None else mesh.vertex_colors[source],
        provenance=None if mesh.provenance is None else mesh.provenance[source],
        uvs=torch.from_numpy(np.ascontiguousarray(charts.flat)).float().to(device),
        texture=None,
        texture_provenance=None,
    )
    return Unwrapped(cut, source)
