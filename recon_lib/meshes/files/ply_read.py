"""PLY files: polygons and strips, colours of vertices and faces, UVs of vertices and corners, provenance."""

from pathlib import Path

import numpy as np

from ...errors import BadInput
from ..polygons import triangulate
from .colors import to_linear
from .folder import MeshFolder
from .part import Part, Picture, check_corners, left_out, open_picture, strips
from .ply_elements import Column, Ragged, read_elements
from .text import check_numbers

CORNERS = ("vertex_indices", "vertex_index")
UVS = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
COLORS = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))


def read_ply(path: Path) -> list[Part]:
    """The file's one part. Raises `BadInput` for damage; a texture stays in the mesh's folder."""
    elements, textures = read_elements(path.read_bytes(), path.name)
    vertex, face = elements.get("vertex", {}), elements.get("face", {})
    if not all(isinstance(vertex.get(axis), np.ndarray) for axis in "xyz"):
        return []
    points = check_numbers(np.stack([np.asarray(vertex[axis], np.float64) for axis in "xyz"], 1), path.name)
    corners, counts = _polygons(face, elements.get("tristrips", {}))
    check_corners(path.name, corners, len(points))
    triangles = triangulate(points, corners, counts)  # places in `corners`
    if not len(triangles):
        return []
    picture = _picture(path, textures)  # wins over colours: PLY does not say that they are multiplied
    uvs = _corner_uvs(vertex, face, corners, len(counts)) if picture is not None else None
    colors = _colors(vertex, len(points))
    painted = _colors(face, len(counts)) if colors is None else None
    codes = vertex.get("provenance")
    place, faces = np.arange(len(points)), corners[triangles]
    if uvs is not None or painted is not None:  # vertices are split where their corners differ
        polygon = np.repeat(np.arange(len(counts)), counts)
        keys = [corners[:, None]] + ([] if uvs is None else [uvs]) + ([] if painted is None else [painted[polygon]])
        _, first, inverse = np.unique(np.concatenate(keys, 1), axis=0, return_index=True, return_inverse=True)
        place, faces = corners[first], inverse.reshape(-1)[triangles]
        uvs = None if uvs is None else uvs[first] * [1, -1] + [0, 1]  # PLY counts v upward
        painted = None if painted is None else painted[polygon][first]
    return [
        Part(
            points[place],
            faces,
            uvs=uvs,
            picture=None if uvs is None else picture,
            colors=None if uvs is not None else painted if colors is None else colors[place],
            provenance=None if not isinstance(codes, np.ndarray) else codes[place].clip(0, 255).astype(np.uint8),
        )
    ]


def _polygons(face: dict[str, Column], strip: dict[str, Column]) -> tuple[np.ndarray, np.ndarray]:
    """Corners [C] and how many of them each polygon has [P]; strips come as triangles."""
    lists = _corner_lists(face)
    if lists is not None:
        return lists.values.astype(np.int64), lists.counts
    lists = _corner_lists(strip)
    if lists is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    pieces = [
        strips(run[run >= 0])  # -1 begins a new strip
        for whole in np.split(lists.values.astype(np.int64), np.cumsum(lists.counts)[:-1])
        for run in np.split(whole, np.nonzero(whole < 0)[0])
    ]
    triangles = np.concatenate([np.zeros((0, 3), np.int64), *pieces])
    return triangles.reshape(-1), np.full(len(triangles), 3)


def _corner_lists(element: dict[str, Column]) -> Ragged | None:
    columns = [element.get(name) for name in CORNERS]
    return next((column for column in columns if isinstance(column, Ragged)), None)


def _corner_uvs(vertex: dict[str, Column], face: dict[str, Column], corners: np.ndarray, polygons: int):
    """UVs [C,2] of the polygons' corners, v upward: the faces' texcoord lists, else those of the vertices."""
    listed = face.get("texcoord")
    if isinstance(listed, Ragged) and len(listed.values) == 2 * len(corners) and len(listed.counts) == polygons:
        return check_numbers(listed.values.astype(np.float64), "A texture coordinate").reshape(-1, 2)
    for names in UVS:
        if all(isinstance(vertex.get(name), np.ndarray) for name in names):
            table = np.stack([np.asarray(vertex[name], np.float64) for name in names], 1)
            return check_numbers(table, "A texture coordinate")[corners]
    return None


def _colors(element: dict[str, Column], count: int) -> np.ndarray | None:
    """Colours [N,3] linear of vertices or faces; whole numbers mean 0-255 or 0-65535."""
    for names in COLORS:
        columns = [element.get(name) for name in names]
        if all(isinstance(column, np.ndarray) and len(column) == count for column in columns):
            table = np.stack([np.asarray(column, np.float64) for column in columns], 1)
            if not np.isfinite(table).all():
                raise BadInput("The PLY file holds colours that are NaN or infinite; save it anew.")
            kinds = {column.dtype for column in columns if isinstance(column, np.ndarray)}
            full = 65535 if kinds == {np.dtype("u2")} else 255
            floats = all(kind.kind == "f" for kind in kinds) and table.max(initial=0) <= 1
            return to_linear((table if floats else table / full).clip(0, 1))
    return None


def _picture(path: Path, textures: list[str]) -> Picture | None:
    if len(textures) != 1:
        if textures:
            left_out(f"{path.name}: its {len(textures)} textures", "a PLY file is read with one; save it as GLB")
        return None
    texture = textures[0]
    told = f"{path.name}: texture {texture[:100]}"
    try:
        return open_picture(MeshFolder(path).read(texture), told)
    except BadInput as error:
        left_out(told, str(error).rstrip("."))
        return None
