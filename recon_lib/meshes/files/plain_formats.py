"""A mesh as OBJ (with its material and texture), PLY or STL. Colours are sRGB, as these formats' readers expect."""

import struct

import numpy as np
from torch import Tensor

from ..mesh import Mesh
from .glb import encode_png


def encode_obj(mesh: Mesh, stem: str) -> dict[str, bytes]:
    """File names (`stem` with an ending) and their bytes: .obj, and with a texture .mtl and .png.

    Vertex colours follow the coordinates on the `v` lines, as most programs read them.
    """
    textured = mesh.uvs is not None and mesh.texture is not None
    columns = [_numpy(mesh.placed_vertices if any(mesh.origin) else mesh.vertices)]
    if mesh.vertex_colors is not None and not textured:
        columns.append(_numpy(mesh.vertex_colors).clip(0, 1))
    rows = [f"mtllib {stem}.mtl", "usemtl surface"] if textured else []
    rows += _rows("v", np.concatenate(columns, 1), 15 if any(mesh.origin) else 7)
    parts = ["%d"]
    if textured:
        rows += _rows("vt", _numpy(mesh.uvs) * [1, -1] + [0, 1])  # OBJ counts v upward
        parts.append("%d")
    if mesh.vertex_normals is not None:
        rows += _rows("vn", _numpy(mesh.vertex_normals))
        parts += ["%d"] if textured else ["", "%d"]
    corner = "/".join(parts)
    numbers = np.repeat(mesh.faces.cpu().numpy().reshape(-1) + 1, corner.count("%d"))
    line = f"f {corner} {corner} {corner}\n"
    text = "\n".join(rows) + "\n" + line * len(mesh.faces) % tuple(numbers.tolist())
    files = {f"{stem}.obj": text.encode()}
    if textured:
        material = f"newmtl surface\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {stem}.png\n"
        files |= {f"{stem}.mtl": material.encode(), f"{stem}.png": encode_png(mesh.texture)}
    return files


def encode_ply(mesh: Mesh, *, provenance: bool = False) -> bytes:
    """Binary PLY with normals, vertex colours and, when asked for, provenance, as far as the mesh has them.

    Positions are in double precision if the mesh has an origin.
    """
    real, points = ("f8", mesh.placed_vertices) if any(mesh.origin) else ("f4", mesh.vertices)
    columns: list[tuple[str, str, np.ndarray]] = _columns("x y z", real, _numpy(points))
    if mesh.vertex_normals is not None:
        columns += _columns("nx ny nz", "f4", _numpy(mesh.vertex_normals))
    if mesh.vertex_colors is not None:
        columns += _columns("red green blue", "u1", (_numpy(mesh.vertex_colors).clip(0, 1) * 255).round())
    if provenance and mesh.provenance is not None:
        columns += _columns("provenance", "u1", _numpy(mesh.provenance)[:, None])
    table = np.empty(len(mesh.vertices), [(name, "<" + kind) for name, kind, _ in columns])
    for name, _, values in columns:
        table[name] = values
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces.cpu().numpy()
    kinds = {"f4": "float", "f8": "double", "u1": "uchar"}
    head = [
        "ply", "format binary_little_endian 1.0", f"element vertex {len(table)}",
        *(f"property {kinds[kind]} {name}" for name, kind, _ in columns),
        f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header\n",
    ]  # fmt: skip
    return "\n".join(head).encode() + table.tobytes() + faces.tobytes()


def encode_stl(mesh: Mesh) -> bytes:
    """Binary STL: shape only."""
    table = np.zeros(len(mesh.faces), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("colour", "<u2")])
    table["normal"], table["corners"] = _numpy(mesh.face_normals), _numpy(mesh.triangles)
    return b"Recon3D, millimetres".ljust(80) + struct.pack("<I", len(table)) + table.tobytes()


def _columns(names: str, kind: str, values: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
    return [(name, kind, column) for name, column in zip(names.split(), values.T, strict=True)]


def _rows(word: str, values: np.ndarray, digits: int = 7) -> list[str]:
    line = word + f" %.{digits}g" * values.shape[1]
    return [line % tuple(row) for row in values.tolist()]


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
