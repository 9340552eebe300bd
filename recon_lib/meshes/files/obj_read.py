"""OBJ files (Wavefront, "Object files", 1995): polygons of any size, relative indices, materials, vertex colours."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from ...errors import BadInput
from ..polygons import triangulate
from .colors import to_linear
from .folder import MeshFolder
from .mtl_read import Material, read_materials
from .part import Part, check_corners
from .text import decoded, table


@dataclass
class _Lines:
    """The words of a file's lines."""

    v: list[list[str]] = field(default_factory=list)
    vt: list[list[str]] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)
    faces: dict[str, list[tuple[str, int, int]]] = field(default_factory=lambda: defaultdict(list))
    # by material: the line's rest, and how many v and vt stood before it


def read_obj(path: Path) -> list[Part]:
    """The file's parts, one for each material. Raises `BadInput` for damage; textures stay in the mesh's folder."""
    lines = _lines(decoded(path.read_bytes()))
    if not lines.v or not lines.faces:
        return []
    points, colors = _points(lines.v, path.name)
    uvs = table([[*row, "0", "0"][:2] for row in lines.vt], path.name) if lines.vt else np.zeros((0, 2))
    materials: dict[str, Material] = {}
    for name in lines.libraries:
        materials |= read_materials(MeshFolder(path), name)
    parts = []
    for name, faces in lines.faces.items():
        corners, counts = _corners(faces, path.name)
        check_corners(path.name, corners[:, 0], len(points))
        check_corners(path.name, corners[corners[:, 1] >= 0, 1], len(uvs))
        triangles = triangulate(points, corners[:, 0], counts)
        parts += _parts(corners[triangles], points, uvs, colors, materials.get(name, Material()))
    return parts


def _lines(text: str) -> _Lines:
    found = _Lines()
    material = ""
    for line in text.replace("\t", " ").split("\n"):
        word, _, rest = line.strip().partition(" ")
        if word == "v":
            found.v.append(rest.split())
        elif word == "vt":
            found.vt.append(rest.split())
        elif word in ("f", "fo"):
            found.faces[material].append((rest.partition("#")[0], len(found.v), len(found.vt)))
        elif word == "usemtl":
            material = rest.strip()
        elif word == "mtllib":
            found.libraries += [rest.strip()] if rest.count(".mtl") < 2 else rest.split()
    return found


def _points(rows: list[list[str]], name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions [N,3], and colours [N,3] linear if every line has three numbers more."""
    widths = {len(row) for row in rows}
    if min(widths) < 3:
        raise BadInput(f"{name} is damaged or truncated (a v line has fewer than three numbers); get it again.")
    if min(widths) < 6:
        return table([row[:3] for row in rows], name), None
    values = table([row[:6] for row in rows], name)
    colors = values[:, 3:]
    return values[:, :3], to_linear((colors / 255 if colors.max() > 1 else colors).clip(0, 1))


def _corners(faces: list[tuple[str, int, int]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Indices [C,2] of v and vt (-1: none) from zero, polygon after polygon, and each polygon's number of corners."""
    rows = [face.split() for face, _, _ in faces]
    counts = np.fromiter(map(len, rows), np.int64)
    if counts.min() < 3:
        raise BadInput(f"{name} is damaged or truncated (a face has fewer than three corners); get it again.")
    try:
        indices = _indices(list(chain.from_iterable(rows)))
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{name} is damaged or truncated (a corner is no number); get it again.") from error
    before = np.repeat(np.array([[v, vt] for _, v, vt in faces]), counts, 0)
    if (indices[:, 0] == 0).any():
        raise BadInput(f"{name} has a face with corner 0, and OBJ counts from 1; save it anew.")
    absolute = np.where(indices < 0, before + indices, indices - 1)  # negative ones count back from their own line
    outside = (indices < 0) & (absolute < 0)
    absolute[outside] = 2**40  # told by `check_corners`
    return absolute, counts


def _indices(corners: list[str]) -> np.ndarray:
    """v and vt [C,2] of corners such as 7, 7/3, 7//2 and 7/3/2; 0 where there is no vt."""
    slashes = {corner.count("/") for corner in corners}
    text = " ".join(corners)
    if len(slashes) == 1 and "/ " not in text and not text.endswith("/"):  # all are alike: much faster
        width = slashes.pop() + 1
        numbers = text.replace("//", "/0/").replace("/", " ").split()
        table = np.fromiter(map(int, numbers), np.int64).reshape(len(corners), width)[:, :2]
    else:
        pieces = [[int(number or 0) for number in [*corner.split("/"), ""][:2]] for corner in corners]
        table = np.array(pieces, np.int64)
    return table if table.shape[1] == 2 else np.concatenate([table, np.zeros_like(table)], 1)


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
        pairs, faces = np.unique(corners[textured].reshape(-1, 2), axis=0, return_inverse=True)
        placed = uvs[pairs[:, 1]] * material.scale + material.offset
        placed = placed * [1, -1] + [0, 1]  # OBJ counts v upward
        whole = None if tint is None or np.ptp(tint) < 1e-3 else tint
        parts.append(Part(points[pairs[:, 0]], faces.reshape(-1, 3), placed, material.picture, whole))
    if not textured.all():
        used, faces = np.unique(corners[~textured][..., 0], return_inverse=True)
        own = None if colors is None else colors[used]
        parts.append(Part(points[used], faces.reshape(-1, 3), tint=tint if own is None else None, colors=own))
    return parts
