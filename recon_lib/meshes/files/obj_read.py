"""OBJ files (Wavefront, "Object files", 1995): polygons of any size, relative indices, materials, vertex colours."""

from pathlib import Path

import numpy as np

from ...errors import BadInput
from ..polygons import triangulate
from .colors import to_linear
from .folder import MeshFolder
from .mtl_read import Material, read_materials
from .obj_lines import LARGEST_INDEX, Lines, Text
from .part import Part, check_corners
from .text import check_numbers, decoded, table


def read_obj(path: Path) -> list[Part]:
    """The file's parts, one for each material. Raises `BadInput` for damage; textures stay in the mesh's folder."""
    text, name = Text(decoded(path.read_bytes())), path.name
    v, vt, faces = text.of("v"), text.of("vt"), _faces(text)
    if not len(v.rows) or not len(faces.rows):
        return []
    points, colors = _points(v, name)
    uvs = _uvs(vt, name)
    settings = text.settings()
    materials: dict[str, Material] = {}
    for _, word, rest in settings:
        if word == "mtllib":
            for library in [rest] if rest.count(".mtl") < 2 else rest.split():
                materials |= read_materials(MeshFolder(path), library)
    corners, counts = _corners(faces, v.rows, vt.rows, name)
    check_corners(name, corners[:, 0], len(points))
    check_corners(name, corners[corners[:, 1] >= 0, 1], len(uvs))
    parts = []
    for material, chosen in _by_material(faces.rows, settings):
        own, sizes = (corners, counts) if chosen is None else (corners[np.repeat(chosen, counts)], counts[chosen])
        triangles = triangulate(points, own[:, 0], sizes)
        parts += _parts(own[triangles], points, uvs, colors, materials.get(material, Material()))
    return parts


def _faces(text: Text) -> Lines:
    """Lines of `f`, and of `fo`, as old files have it."""
    new, old = text.of("f"), text.of("fo")
    return new if not len(old.rows) else Lines(text, np.sort(np.concatenate([new.rows, old.rows])))


def _points(lines: Lines, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions [N,3], and colours [N,3] linear if every line has three numbers more."""
    flat = lines.numbers(b"v")
    widths, words = lines.widths, []
    if flat is None:
        words = lines.words()
        widths = np.fromiter(map(len, words), np.int64)
    if widths.min() < 3:
        raise BadInput(f"{name} is damaged or truncated (a v line has fewer than three numbers); get it again.")
    wanted = 3 if widths.min() < 6 else 6
    if flat is None:
        values = table([row[:wanted] for row in words], name)
    else:
        values = check_numbers(_leading(flat, widths, wanted), name)
    if wanted == 3:
        return values, None
    colors = values[:, 3:]
    return values[:, :3], to_linear((colors / 255 if colors.max() > 1 else colors).clip(0, 1))


def _uvs(lines: Lines, name: str) -> np.ndarray:
    """Texture coordinates [N,2]; a missing second one is 0."""
    if not len(lines.rows):
        return np.zeros((0, 2))
    flat = lines.numbers(b"vt") if lines.widths.min() >= 2 else None
    if flat is None:
        return table([[*row, "0", "0"][:2] for row in lines.words()], name)
    return check_numbers(_leading(flat, lines.widths, 2), name)


def _leading(flat: np.ndarray, widths: np.ndarray, wanted: int) -> np.ndarray:
    """The first `wanted` numbers [N,wanted] of rows of `widths` numbers each."""
    if (widths == widths[0]).all():
        return flat.reshape(len(widths), -1)[:, :wanted]
    begins = np.cumsum(widths) - widths
    return flat[begins[:, None] + np.arange(wanted)]


def _corners(faces: Lines, v: np.ndarray, vt: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Indices [C,2] of v and vt (-1: none) from zero, polygon after polygon, and each polygon's number of corners.

    v, vt: numbers of the lines that hold them; negative indices count back from their own line.
    """
    indices, counts = faces.corners(b"f"), faces.widths
    if indices is None:
        rows = faces.words()
        counts = np.fromiter(map(len, rows), np.int64)
        indices = _mixed_corners(rows, name) if counts.min() >= 3 else None
    if counts.min() < 3 or indices is None:
        raise BadInput(f"{name} is damaged or truncated (a face has fewer than three corners); get it again.")
    if (indices[:, 0] == 0).any():
        raise BadInput(f"{name} has a face with corner 0, and OBJ counts from 1; save it anew.")
    if not (indices < 0).any():
        return indices - 1, counts
    before = np.repeat(np.stack([np.searchsorted(rows, faces.rows) for rows in (v, vt)], 1), counts, 0)
    absolute = np.where(indices < 0, before + indices, indices - 1)
    outside = (indices < 0) & (absolute < 0)
    absolute[outside] = LARGEST_INDEX  # told by `check_corners`
    return absolute, counts


def _mixed_corners(rows: list[list[str]], name: str) -> np.ndarray:
    """v and vt [C,2] of corners such as 7, 7/3, 7//2 and 7/3/2 in one file; 0 where there is no vt."""
    try:
        pieces = [[int(number or 0) for number in [*corner.split("/"), ""][:2]] for row in rows for corner in row]
        return np.array(pieces, np.int64)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{name} is damaged or truncated (a corner is no number); get it again.") from error


def _by_material(faces: np.ndarray, settings: list[tuple[int, str, str]]) -> list[tuple[str, np.ndarray | None]]:
    """Names of materials in the order of their first faces, and which faces [F] bool have them (None: all).

    faces [F]: numbers of the faces' lines.
    """
    used = [(row, rest) for row, word, rest in settings if word == "usemtl"]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(["", *(name for _, name in used)]))}
    of_setting = np.array([0, *(numbers[name] for _, name in used)])
    group = of_setting[np.searchsorted([row for row, _ in used], faces)]
    present, first = np.unique(group, return_index=True)
    names = list(numbers)
    if len(present) == 1:
        return [(names[present[0]], None)]
    return [(names[number], group == number) for number in present[np.argsort(first)]]


def _parts(
    corners: np.ndarray, points: np.ndarray, uvs: np.ndarray, colors: np.ndarray | None, material: Material
) -> list[Part]:
    """Triangles [M,3,2] of one material as a textured and a plain part.

    MTL multiplies map_Kd by Kd. A grey Kd beside a map is left out: it is the default of many writers (0.4, 0.64,
    0.8, 0), and programs that show their files do without it.
    """
    textured = (corners[..., 1] >= 0).all(1) if material.picture is not None else np.zeros(len(corners), bool)
    tint = None if material.color is None else to_linear(material.color)
    parts = []
    if textured.any():
        v, vt = corners[textured].reshape(-1, 2).T
        pairs, faces = np.unique(v * len(uvs) + vt, return_inverse=True)
        v, vt = np.divmod(pairs, len(uvs))
        placed = uvs[vt] * material.scale + material.offset
        placed = placed * [1, -1] + [0, 1]  # OBJ counts v upward
        whole = None if tint is None or np.ptp(tint) < 1e-3 else tint
        parts.append(Part(points[v], faces.reshape(-1, 3), placed, material.picture, whole))
    if not textured.all():
        left = corners[~textured][..., 0]
        marked = np.zeros(len(points), bool)
        marked[left] = True
        used, faces = np.flatnonzero(marked), (np.cumsum(marked) - 1)[left]
        own = None if colors is None else colors[used]
        parts.append(Part(points[used], faces.reshape(-1, 3), tint=tint if own is None else None, colors=own))
    return parts
