"""Mesh files into the library."""

from collections.abc import Callable
from pathlib import Path

from ...errors import BadInput
from ..mesh import Mesh
from .gltf_read import read_gltf
from .joined import joined
from .obj_read import read_obj
from .part import Part
from .plain_read import read_off, read_stl
from .ply_read import read_ply

READERS: dict[str, Callable[[Path], list[Part]]] = {
    ".glb": read_gltf, ".gltf": read_gltf, ".obj": read_obj, ".ply": read_ply, ".stl": read_stl, ".off": read_off,
}  # fmt: skip
READABLE = tuple(READERS)


def load_mesh(path: Path | str) -> Mesh:
    """All parts of a file as one mesh, in the file's own coordinates and units; far from zero see `Mesh.origin`.

    Keeps UVs with the base colour texture, or vertex colours, and this pack's provenance; parts with different
    textures share one afterwards (`joined`). What a mesh cannot hold (points, lines, textures for graphics cards,
    transparency) is left out with a line in the log. Nothing outside the file's folder is opened. Raises `BadInput`
    for a missing, damaged or unknown file, for compressed geometry, and for one without triangles.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"There is no mesh file {path}; check the name.")
    ending = path.suffix.lower()
    if ending not in READERS:
        raise BadInput(f"{path.name} is not of a known mesh format; give one of {', '.join(READABLE)}.")
    try:
        mesh = joined(READERS[ending](path), path.name)
    except BadInput:
        raise
    except MemoryError as error:
        raise BadInput(f"{path.name} is too large for this machine's memory; reduce it before.") from error
    except Exception as error:
        raise BadInput(f"{path.name} is damaged or truncated ({_told(error)}); get it again.") from error
    if mesh is None:
        raise BadInput(f"{path.name} holds no triangles; a surface mesh is needed.")
    return mesh


def _told(error: Exception) -> str:
    """What went wrong, in a few words."""
    return f"{type(error).__name__}: {error}".split("\n")[0][:100].rstrip(".")
