"""Mesh files into the library."""

from collections.abc import Callable
from pathlib import Path

from ...errors import BadInput
from ...parsing import is_file
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
SIGNATURES = (
    (b"glTF", "a GLB file", (".glb", ".gltf")), (b"ply\n", "a PLY file", (".ply",)),
    (b"ply\r", "a PLY file", (".ply",)),
    (b"OFF", "an OFF file", (".off",)), (b"COFF", "an OFF file", (".off",)), (b"PK\x03\x04", "a zip archive", ()),
    (b"\x89PNG", "a picture", ()), (b"\xff\xd8\xff", "a picture", ()), (b"Kaydara FBX", "an FBX file", ()),
    (b"BLENDER", "a Blender file", ()), (b"\x93NUMPY", "a NumPy file", ()), (b"\x1f\x8b", "a gzip archive", ()),
)  # fmt: skip
READABLE = tuple(READERS)


def load_mesh(path: Path | str) -> Mesh:
    """All parts of a file as one mesh, in the file's own coordinates and units; far from zero see `Mesh.origin`.

    Keeps UVs with the base colour texture, or vertex colours, and this pack's provenance; parts with different
    textures share one afterwards (`joined`). What a mesh cannot hold (points, lines, textures for graphics cards,
    transparency) is left out with a line in the log. Nothing outside the file's folder is opened. Raises `BadInput`
    for a missing, damaged or unknown file, for compressed geometry, and for one without triangles.
    """
    path = Path(path)
    if not is_file(path):
        raise BadInput(f"There is no mesh file {str(path)[-300:]}; check the name.")
    ending = path.suffix.lower()
    if ending not in READERS:
        raise BadInput(f"{path.name} is not of a known mesh format; give one of {', '.join(READABLE)}.")
    _check_kind(path, ending)
    try:
        mesh = joined(READERS[ending](path), path.name)
    except BadInput:
        raise
    except OSError as error:
        raise BadInput(f"{path.name} could not be opened ({error.strerror}); check its rights.") from error
    except MemoryError as error:
        raise BadInput(f"{path.name} is too large for this machine's memory; reduce it before.") from error
    except Exception as error:
        raise BadInput(f"{path.name} is damaged or truncated ({_told(error)}); get it again.") from error
    if mesh is None:
        raise BadInput(f"{path.name} holds no triangles; a surface mesh is needed.")
    return mesh


def _check_kind(path: Path, ending: str) -> None:
    """Raise `BadInput` for a file that begins like one of another kind than its ending says."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadInput(f"{path.name} could not be opened ({error.strerror}); check its rights.") from error
    if not head:
        raise BadInput(f"{path.name} is empty; get it again.")
    for beginning, kind, endings in SIGNATURES:
        if head.startswith(beginning) and ending not in endings:
            raise BadInput(f"{path.name} is {kind}, whatever its ending says; give a mesh with the ending of its kind.")


def _told(error: Exception) -> str:
    """What went wrong, in a few words."""
    return f"{type(error).__name__}: {error}".split("\n")[0][:100].rstrip(".")
