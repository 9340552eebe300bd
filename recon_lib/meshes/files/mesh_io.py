"""Mesh files into the library, read by trimesh."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...color_space import linear_to_srgb
from ...errors import BadInput
from ..mesh import Mesh

if TYPE_CHECKING:
    from trimesh import Trimesh

PLAIN_GREY = 0.8  # sRGB grey of a part without colours among coloured ones
READABLE = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")


def load_mesh(path: Path | str) -> Mesh:
    """All parts of a file as one mesh, in the file's own coordinates and units.

    Keeps UVs with the base colour texture, or vertex colours, and this pack's provenance. Parts that differ in
    how they are coloured are joined with vertex colours. Raises `BadInput` for a missing, damaged or unknown file
    and one without triangles.
    """
    import trimesh

    path = Path(path)
    if not path.is_file():
        raise BadInput(f"There is no mesh file {path}; check the name.")
    ending = path.suffix.lower()
    if ending not in READABLE:
        raise BadInput(f"{path.name} is not of a known mesh format; give one of {', '.join(READABLE)}.")
    try:
        # only STL repeats each corner in every triangle, so only there equal vertices are merged
        loaded = trimesh.load(path, process=ending == ".stl")
        mesh = _whole(loaded, linear_colors=ending in (".glb", ".gltf"))
    except Exception as error:
        raise BadInput(f"{path.name} could not be read ({error}); it is damaged or truncated.") from error
    if mesh is None:
        raise BadInput(f"{path.name} holds no triangles; a surface mesh is needed.")
    return mesh


def _whole(loaded: object, linear_colors: bool) -> Mesh | None:
    """What trimesh loaded as one mesh: a shape, or a scene's shapes where they stand."""
    import trimesh

    placed = [(loaded, np.eye(4))]
    if isinstance(loaded, trimesh.Scene):
        nodes = [loaded.graph[node] for node in loaded.graph.nodes_geometry]
        placed = [(loaded.geometry[name], matrix) for matrix, name in nodes]
    placed = [(s, matrix) for s, matrix in placed if isinstance(s, trimesh.Trimesh) and len(s.faces)]
    meshes = [_moved(from_trimesh(s, linear_colors=linear_colors), matrix) for s, matrix in placed]
    if len(meshes) < 2:
        return meshes[0] if meshes else None
    if all(mesh.texture is not None for mesh in meshes):  # trimesh packs the textures into one
        return from_trimesh(trimesh.util.concatenate([s.copy().apply_transform(m) for s, m in placed]))
    return _joined(meshes)


def _moved(mesh: Mesh, matrix: np.ndarray) -> Mesh:
    """The mesh under a [4,4] transform; a mirror image is turned right side out again."""
    turn, shift = torch.tensor(matrix[:3, :3]).float(), torch.tensor(matrix[:3, 3]).float()
    faces = mesh.faces.flip(1) if torch.linalg.det(turn) < 0 else mesh.faces
    return replace(mesh, vertices=mesh.vertices @ turn.T + shift, faces=faces)


def _joined(meshes: list[Mesh]) -> Mesh:
    """One mesh with vertex colours, if any part has colours, and provenance if all have it."""
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    colors = [_colors_at_vertices(mesh) for mesh in meshes]
    if any(part is not None for part in colors):
        grey = [torch.full_like(mesh.vertices, PLAIN_GREY) for mesh in meshes]
        colors = [other if part is None else part for part, other in zip(colors, grey, strict=True)]
    codes = [mesh.provenance for mesh in meshes]
    return Mesh(
        vertices=torch.cat([mesh.vertices for mesh in meshes]),
        faces=torch.cat([mesh.faces + int(start) for mesh, start in zip(meshes, starts[:-1], strict=True)]),
        vertex_colors=None if colors[0] is None else torch.cat(colors),
        provenance=None if any(part is None for part in codes) else torch.cat(codes),
    )


def _colors_at_vertices(mesh: Mesh) -> Tensor | None:
    """Vertex colours, or the texels at the vertices (textures repeat), [N,3]."""
    if mesh.texture is None:
        return mesh.vertex_colors
    size = torch.tensor(mesh.texture.shape[:0:-1])
    x, y = ((mesh.uvs % 1) * size).long().clamp_max(size - 1).T
    return mesh.texture[:, y, x].T


def from_trimesh(shape: "Trimesh", *, linear_colors: bool = False) -> Mesh:
    """A trimesh object as `Mesh`. linear_colors: vertex colours and factors are linear light, as glTF has them."""
    texture = _texture(shape)
    visual: Any = shape.visual  # of one of two classes, by its `kind`
    colors = uvs = None
    if texture is not None:
        uvs = torch.tensor(np.asarray(visual.uv, np.float32)) * torch.tensor([1.0, -1.0]) + torch.tensor([0, 1.0])
    elif visual.defined:
        colors = torch.tensor(_vertex_colors(shape))
        colors = linear_to_srgb(colors) if linear_colors else colors
    codes = _provenance(shape)
    return Mesh(
        vertices=torch.tensor(np.asarray(shape.vertices, np.float32)),
        faces=torch.tensor(np.asarray(shape.faces, np.int64)),
        vertex_colors=colors,
        uvs=uvs,
        texture=texture,
        provenance=None if codes is None else torch.tensor(codes),
    )


def _texture(shape: "Trimesh") -> Tensor | None:
    """The base colour image [3,H,W] sRGB, None when there is none that could be mapped."""
    material = getattr(shape.visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    uv = getattr(shape.visual, "uv", None)
    if image is None or uv is None or len(uv) != len(shape.vertices):
        return None
    return torch.tensor(np.asarray(image.convert("RGB"), np.float32)).permute(2, 0, 1) / 255


def _vertex_colors(shape: "Trimesh") -> np.ndarray:
    """[N,3] float32 0-1 from vertex colours, face colours, or the material's one colour."""
    visual: Any = shape.visual
    # a glTF part with a material keeps its COLOR_0 as stored: floats, or integers that stand for 0-1
    colors = getattr(visual, "vertex_attributes", {}).get("color")
    if colors is None:
        colors = visual.material.main_color if visual.kind == "texture" else visual.vertex_colors
    colors = np.asarray(colors)
    full = np.iinfo(colors.dtype).max if colors.dtype.kind in "iu" else 1
    return np.broadcast_to(colors[..., :3] / np.float32(full), (len(shape.vertices), 3)).astype(np.float32)


def _provenance(shape: "Trimesh") -> np.ndarray | None:
    """Codes [N] uint8 from a GLB's attribute or a PLY's property."""
    codes = shape.vertex_attributes.get("_PROVENANCE")
    if codes is None:
        table = shape.metadata.get("_ply_raw", {}).get("vertex", {}).get("data")
        names = table.dtype.names if isinstance(table, np.ndarray) else table
        codes = table["provenance"] if "provenance" in (names or ()) else None
    return None if codes is None or len(codes) != len(shape.vertices) else np.asarray(codes, np.uint8).reshape(-1)
