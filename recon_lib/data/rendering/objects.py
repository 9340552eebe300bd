"""Training objects: folders of meshes, each normalised to the unit sphere of the world frame."""

import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from ...errors import BadInput
from ...meshes.mesh import Mesh

MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off", ".npz")
Z_UP_TO_WORLD = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # (x,y,z) z-up -> y-up


@dataclass(frozen=True)
class ObjectFile:
    """One mesh on disk and the split it belongs to."""

    name: str
    path: Path
    split: str = "train"


def list_objects(folder: Path, split: str | None = None) -> list[ObjectFile]:
    """Meshes of a folder, sorted by name.

    A `manifest.json` with {"objects": [{"name", "file", "split"}]} lists them; without one, every mesh file below the
    folder belongs to the split "train".
    """
    folder = Path(folder)
    manifest = folder / "manifest.json"
    if manifest.is_file():
        try:
            records = json.loads(manifest.read_text(encoding="utf-8"))["objects"]
            files = [ObjectFile(r["name"], folder / r["file"], r.get("split", "train")) for r in records]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{manifest} holds no list of objects with name and file; repair or remove it.") from error
    else:
        files = [ObjectFile(p.stem, p) for p in folder.rglob("*") if p.suffix.lower() in MESH_SUFFIXES]
    files = sorted((f for f in files if split in (None, f.split)), key=lambda f: f.name)
    if not files:
        raise BadInput(f"No mesh of split {split!r} in {folder}; give a folder with {', '.join(MESH_SUFFIXES)} files.")
    return files


def load_object(path: Path, up: str = "z") -> Mesh:
    """Read a mesh and normalise it to the unit sphere, +y up. `up` is the file's up axis ("y" or "z").

    `.npz` files hold v, f, vc (uint8 sRGB) and, when textured, uv (v upward), ft, tex_jpg.
    """
    if Path(path).suffix == ".npz":
        try:
            with np.load(path) as data:
                mesh = _mesh_from_npz(data)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise BadInput(f"{Path(path).name} is damaged or no mesh ({error}); get it again.") from error
    else:
        from ...meshes.files.mesh_io import load_mesh

        mesh = load_mesh(path)
    vertices = mesh.vertices @ Z_UP_TO_WORLD.T if up == "z" else mesh.vertices
    return in_unit_sphere(replace(mesh, vertices=vertices, vertex_normals=None))


def in_unit_sphere(mesh: Mesh) -> Mesh:
    """The mesh with its bounding box centred and its farthest vertex at distance 1."""
    centred = mesh.vertices - (mesh.vertices.amax(0) + mesh.vertices.amin(0)) / 2
    radius = centred.norm(dim=-1).max()
    if not radius > 0:
        raise BadInput("The mesh has no extent; it is a single point.")
    return replace(mesh, vertices=centred / radius, origin=(0.0, 0.0, 0.0))


def _mesh_from_npz(data: np.lib.npyio.NpzFile) -> Mesh:
    vertices, faces = torch.from_numpy(data["v"]).float(), torch.from_numpy(data["f"].astype(np.int64))
    colors = torch.from_numpy(data["vc"].astype(np.float32) / 255)
    if "tex_jpg" not in data:
        return Mesh(vertices, faces, vertex_colors=colors)
    uvs, uv_faces = torch.from_numpy(data["uv"].astype(np.float32)), torch.from_numpy(data["ft"].astype(np.int64))
    corner, merged = merge_corners(faces, uv_faces)
    uvs = torch.stack([uvs[:, 0], 1 - uvs[:, 1]], -1)  # glTF: (0,0) is the top-left corner
    return Mesh(
        vertices[corner[:, 0]],
        merged,
        vertex_colors=colors[corner[:, 0]],
        uvs=uvs[corner[:, 1]],
        texture=_decode_jpeg(data["tex_jpg"].tobytes()),
    )


def merge_corners(faces: Tensor, uv_faces: Tensor) -> tuple[Tensor, Tensor]:
    """Unique pairs of position and UV. -> index pairs (position, uv) [N,2], faces [M,3] into them."""
    pairs = torch.stack([faces.reshape(-1), uv_faces.reshape(-1)], -1)
    unique, inverse = torch.unique(pairs, dim=0, return_inverse=True)
    return unique, inverse.reshape(-1, 3)


def _decode_jpeg(data: bytes) -> Tensor:
    from PIL import Image

    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def iterate_objects(files: list[ObjectFile], up: str = "z") -> Iterator[tuple[int, Mesh]]:
    """(index, mesh) of every file that can be read; damaged files are logged and skipped."""
    import logging

    for index, file in enumerate(files):
        try:
            yield index, load_object(file.path, up)
        except (BadInput, OSError) as error:
            logging.getLogger("recon3d").warning("%s skipped: %s", file.name, error)
