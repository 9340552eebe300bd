"""The triangles of a glTF or GLB file (Khronos specification 2.0), in world coordinates and double precision.

Written here rather than taken from trimesh, which opens compressed and quantised files without a word and shows
nonsense (draco: all vertices at one point; normalised integers: 32767 times too large), and leaves out factors.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadInput
from .gltf_document import COMPRESSED, Document
from .gltf_material import Materials, Surface
from .gltf_nodes import placed_meshes, world_matrices
from .part import Part, check_corners, left_out, strips

TRIANGLES, STRIP, FAN = 4, 5, 6
MAX_TRIANGLES = 2**26  # in all: a small file can show a mesh any number of times
MAX_INSTANCES = 100_000


def read_gltf(path: Path) -> list[Part]:
    """All parts that the file's scene shows. Raises `BadInput` for what cannot be read rightly."""
    document = Document(path)
    materials = Materials(document)
    placed = placed_meshes(document)
    if len(placed) > MAX_INSTANCES:
        raise BadInput(f"{path.name} shows {len(placed)} meshes; join or thin them out before.")
    parts: list[Part] = []
    triangles = 0
    read: dict[int, list[tuple[Part, dict[str, Any]]]] = {}
    for node, matrix in placed:
        index = node["mesh"]
        mesh = document.item("meshes", index)
        if index not in read:
            read[index] = [(_primitive(document, p, materials), p) for p in mesh.get("primitives", [])]
        for part, primitive in read[index]:
            triangles += len(part.faces)
            if triangles > MAX_TRIANGLES:
                raise BadInput(f"{path.name} shows more than {MAX_TRIANGLES} triangles; reduce it before.")
            if len(part.faces):
                parts.append(_in_world(document, part, primitive, mesh, node, matrix))
    return parts


def _primitive(document: Document, primitive: dict[str, Any], materials: Materials) -> Part:
    """One primitive in its own coordinates; without faces if it holds points or lines."""
    attributes = primitive.get("attributes", {})
    mode = primitive.get("mode", TRIANGLES)
    nothing = Part(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    if mode not in (TRIANGLES, STRIP, FAN):
        left_out(f"{document.path.name}: a part of points or lines", "only triangles make a surface")
        return nothing
    if "POSITION" not in attributes:
        return nothing
    _check_compression(document, primitive, attributes)
    vertices = _attribute(document, attributes, "POSITION", 3)
    faces = _faces(document, primitive, mode, len(vertices))
    surface = materials.surface(primitive.get("material"))
    colors = _attribute(document, attributes, "COLOR_0", None, len(vertices), normalize=True)
    codes = _attribute(document, attributes, "_PROVENANCE", 1, len(vertices))
    uvs = _uvs(document, attributes, surface, len(vertices))
    return Part(
        vertices,
        faces,
        uvs=uvs,
        picture=None if uvs is None else surface.picture,
        tint=surface.tint,
        colors=None if colors is None else colors[:, :3].clip(0, 1),
        provenance=None if codes is None else codes[:, 0].clip(0, 255).astype(np.uint8),
    )


def _attribute(
    document: Document,
    attributes: dict[str, Any],
    name: str,
    width: int | None,
    count: int | None = None,
    normalize: bool | None = None,
) -> np.ndarray | None:
    """A vertex attribute [N,K] float64, finite and of `count` rows, None if it is not there."""
    if name not in attributes:
        return None
    values = document.accessor(attributes[name], normalize=normalize).astype(np.float64)
    if width not in (None, values.shape[1]) or count not in (None, len(values)) or values.shape[1] > 4:
        raise document.damaged(f"{name} does not fit its mesh")
    if not np.isfinite(values).all():
        raise document.damaged(f"{name} holds NaN or infinite values")
    return values


def _check_compression(document: Document, primitive: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Compressed triangles without a plain copy are refused, required or not."""
    for name in primitive.get("extensions", {}):
        if name in COMPRESSED and "bufferView" not in document.item("accessors", attributes["POSITION"]):
            raise document.needs(name)


def _faces(document: Document, primitive: dict[str, Any], mode: int, count: int) -> np.ndarray:
    """Triangles [M,3] of indexed or plain corners (section 3.7.2.1)."""
    if "indices" in primitive:
        table = document.accessor(primitive["indices"])
        if table.dtype.kind != "u" or table.shape[1] != 1:
            raise document.damaged("its indices are no whole numbers")
        corners = table[:, 0].astype(np.int64)
    else:
        corners = np.arange(count)
    check_corners(document.path.name, corners, count)
    if mode == STRIP:
        return strips(corners)
    if mode == FAN:
        rest = corners[1:]
        return (
            np.stack([np.full(max(len(rest) - 1, 0), corners[0]), rest[:-1], rest[1:]], 1)
            if len(rest)
            else (np.zeros((0, 3), np.int64))
        )
    if len(corners) % 3:
        raise document.damaged("its triangles do not have three corners each")
    return corners.reshape(-1, 3)


def _uvs(document: Document, attributes: dict[str, Any], surface: Surface, count: int) -> np.ndarray | None:
    """The UVs [N,2] with which the surface's picture is shown."""
    if surface.picture is None:
        return None
    uvs = _attribute(document, attributes, f"TEXCOORD_{surface.uv_set}", 2, count)
    if uvs is None:
        left_out(f"{document.path.name}: the texture of a part", f"its TEXCOORD_{surface.uv_set} is missing")
        return None
    if surface.uv_matrix is not None:
        uvs = uvs @ surface.uv_matrix[:2, :2].T + surface.uv_matrix[:2, 2]
    return uvs


def _in_world(
    document: Document,
    part: Part,
    primitive: dict[str, Any],
    mesh: dict[str, Any],
    node: dict[str, Any],
    matrix: np.ndarray,
) -> Part:
    """The part morphed, bent by its skin, or else moved to its node."""
    vertices = _morphed(document, part.vertices, primitive, node.get("weights", mesh.get("weights", [])))
    if "skin" in node and "JOINTS_0" in primitive["attributes"]:
        vertices, flipped = _skinned(document, vertices, primitive["attributes"], node["skin"]), False
    else:
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            vertices = vertices @ matrix[:3, :3].T + matrix[:3, 3]
        flipped = np.linalg.det(matrix[:3, :3]) < 0  # a mirror image is turned right side out again
    if not np.isfinite(vertices).all():
        raise document.damaged("a node stands nowhere")
    faces = part.faces[:, ::-1] if flipped else part.faces
    return Part(vertices, faces, part.uvs, part.picture, part.tint, part.colors, part.provenance)


def _morphed(document: Document, vertices: np.ndarray, primitive: dict[str, Any], weights: list[float]) -> np.ndarray:
    """Vertices with the morph targets' displacements (section 3.7.2.2)."""
    for weight, target in zip(weights, primitive.get("targets", []), strict=False):
        shift = _attribute(document, target, "POSITION", 3, len(vertices)) if weight else None
        vertices = vertices if shift is None else vertices + weight * shift
    return vertices


def _skinned(document: Document, vertices: np.ndarray, attributes: dict[str, Any], index: object) -> np.ndarray:
    """Vertices where the skin's joints put them; the node's own place is ignored (section 3.7.3.3)."""
    skin = document.item("skins", index)
    world = world_matrices(document)
    joints = skin["joints"]
    bind = np.tile(np.eye(4), (len(joints), 1, 1))
    if "inverseBindMatrices" in skin:
        table = document.accessor(skin["inverseBindMatrices"])[: len(joints)]
        bind[:] = table.reshape(-1, 4, 4).transpose(0, 2, 1)
    matrices = np.stack([world[joint] for joint in joints]) @ bind
    moved, total = np.zeros_like(vertices), np.zeros((len(vertices), 1))
    for number in range(8):
        if f"JOINTS_{number}" not in attributes:
            break
        used = _attribute(document, attributes, f"JOINTS_{number}", 4, len(vertices)).astype(np.int64)
        weights = _attribute(document, attributes, f"WEIGHTS_{number}", 4, len(vertices), normalize=True)
        check_corners(document.path.name, used, len(joints))
        for k in range(4):
            turned = np.einsum("nij,nj->ni", matrices[used[:, k], :3, :3], vertices) + matrices[used[:, k], :3, 3]
            moved += weights[:, k : k + 1] * turned
            total += weights[:, k : k + 1]
    return moved / np.where(total > 0, total, 1)
