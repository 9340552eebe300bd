"""Export of meshes to GLB, OBJ, PLY and STL, in real size and upright, written atomically."""

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...errors import BadInput
from ...files import written_whole
from ...memory import explain_oom
from ...meshes.files.glb import encode_glb
from ...meshes.files.plain_formats import encode_obj, encode_ply, encode_stl
from ...meshes.mesh import Mesh
from ...meshes.solid import is_closed, signed_volume
from ...progress import Progress

FORMATS = ("glb", "obj", "ply", "stl")
Y_TO_Z_UP = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # the front, +z, becomes -y
STL_SIZE_MM = 100.0  # default longest side: printers read STL's numbers as millimetres


@dataclass(frozen=True)
class ExportReport:
    """Properties of the file that was written. Lengths are in `unit`, axes as in the file."""

    path: Path
    watertight: bool
    volume: float | None  # cubic `unit`, None for an open surface
    bounds: tuple[tuple[float, float, float], tuple[float, float, float]]
    vertices: int
    faces: int
    unit: str  # "units", the object's own; "m" if a size was given; "mm" in STL

    def __str__(self) -> str:
        size = " x ".join(f"{high - low:.4g}" for low, high in zip(*self.bounds, strict=True))
        solid = "open surface" if self.volume is None else f"watertight, volume {self.volume:.4g} {self.unit}^3"
        return f"{self.path.name}: {size} {self.unit}, {solid}, {self.vertices} vertices, {self.faces} triangles"


@explain_oom("saving the mesh", "reduce its texture or triangles")
def save_mesh(
    mesh: Mesh,
    path: Path | str,
    *,
    up: str | None = None,
    size_mm: float | None = None,
    format: str | None = None,  # noqa: A002  (the word every caller uses)
    provenance: bool = False,
    extras: Mapping[str, str] | None = None,
    cameras: Cameras | None = None,
    root: Path | str | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Write the mesh to `path`, in `format` or, if that is None, in the format of the suffix.

    up: "y" or "z"; None is z for STL and y for the others (glTF allows y only).
    size_mm: longest side. STL is in millimetres, by default 100 of them; the other formats are in metres and keep the
    world's numbers by default. A mesh far from its file's origin (`Mesh.origin`) returns to its place, except in STL.
    provenance: write the per-vertex codes too (GLB attribute `_PROVENANCE`, PLY property `provenance`).
    cameras: of photos, in the mesh's world; a GLB carries them, so that photo and mesh lie over each other in Blender.
    extras: texts that a GLB carries in `asset.extras`, such as the graph that made it; other formats cannot.
    root: the folder in which the file must be. Raises `BadInput` for an empty mesh, an unknown format, a path
    outside `root` and a folder that cannot be written to; then no file is left.
    """
    path, kind = _target(Path(path), format, root)
    if not len(mesh.faces):
        raise BadInput("The mesh has no triangles, so there is nothing to save; check the stage that made it.")
    progress = progress or Progress()
    progress.start("Save mesh", 2)
    if cameras is not None and kind != "glb":
        raise BadInput(f"A {kind} file holds no cameras; save a GLB, or disconnect the cameras.")
    placed, placement = _placed(mesh, up or ("z" if kind == "stl" else "y"), size_mm, kind)
    files = _encoded(placed, path, kind, provenance, extras, None if cameras is None else placement.of(cameras, mesh))
    progress.step()
    with ExitStack() as stack:
        # the main file was entered first, so it is the last to take its name
        for target, content in files.items():
            stack.enter_context(written_whole(target)).write_bytes(content)
        progress.step()  # the last moment to stop: no file has its name yet
    return _report(placed, path, kind, sized=size_mm is not None)


def _target(path: Path, kind: str | None, root: Path | str | None) -> tuple[Path, str]:
    """Full path with suffix, and the format."""
    ending = path.suffix.lower().lstrip(".")
    kind = (kind or ending).lower().lstrip(".")
    if kind not in FORMATS:
        raise BadInput(f"{kind!r} is no mesh format of this pack; use {', '.join(FORMATS)}.")
    if ending != kind:
        path = path.with_name(f"{path.name}.{kind}")
    if root is not None:
        base = Path(root).resolve()
        full = (base / path).resolve()
        if not full.is_relative_to(base):
            raise BadInput(f"{path} lies outside {base}; name a file inside that folder.")
        path = full
    return path, kind


@dataclass(frozen=True)
class Placement:
    """How a mesh was turned and scaled into its file's frame."""

    rotation: Tensor  # [3,3]
    scale: float
    origin: tuple[float, float, float]  # of the placed mesh

    def of(self, cameras: Cameras, mesh: Mesh) -> Cameras:
        """Cameras of the mesh's world, in the file's frame."""
        cameras = cameras.to("cpu").moved_to(mesh.origin)
        pose = cameras.camera_to_world.clone()
        pose[:, :3, :3] = self.rotation @ pose[:, :3, :3]
        pose[:, :3, 3] = pose[:, :3, 3] @ self.rotation.T * self.scale
        return replace(cameras, camera_to_world=pose, origin=self.origin)


def _placed(mesh: Mesh, up: str, size_mm: float | None, kind: str) -> tuple[Mesh, Placement]:
    """The mesh in the file's frame: rotated, scaled, with normals that are smooth across UV seams."""
    if up not in ("y", "z"):
        raise BadInput(f"The up axis {up!r} is neither 'y' nor 'z'; choose one of them.")
    if size_mm is not None and not 0 < size_mm < math.inf:
        raise BadInput(f"A size of {size_mm} mm is impossible; give a positive number of millimetres.")
    if size_mm is None and kind == "stl":
        size_mm = STL_SIZE_MM
    scale = 1.0
    if size_mm is not None:
        longest = float((mesh.bounds[1] - mesh.bounds[0]).max())
        if longest <= 0:
            raise BadInput("The mesh has no extent, so it cannot be scaled to a size; check the stage that made it.")
        scale = size_mm / longest * (1.0 if kind == "stl" else 1e-3)
    rotation = (Y_TO_Z_UP if up == "z" else torch.eye(3)).to(mesh.vertices)
    normals = _smooth_normals(mesh) if mesh.vertex_normals is None else mesh.vertex_normals
    origin = torch.tensor(mesh.origin, dtype=torch.float64) @ rotation.double().cpu().T * scale
    if kind == "stl":
        origin = torch.zeros(3)  # single precision; and no printer has a place so far away
    x, y, z = origin.tolist()
    placement = Placement(rotation.cpu().float(), scale, (x, y, z))
    vertices = mesh.vertices @ rotation.T * scale
    return replace(mesh, vertices=vertices, vertex_normals=normals @ rotation.T, origin=placement.origin), placement


def _smooth_normals(mesh: Mesh) -> Tensor:
    """Area-weighted normals [N,3] with merged seams: vertices at one position share one normal."""
    positions, index = torch.unique(mesh.vertices, dim=0, return_inverse=True)
    return Mesh(positions, index[mesh.faces]).with_normals().vertex_normals[index]


def _encoded(
    mesh: Mesh,
    path: Path,
    kind: str,
    provenance: bool,
    extras: Mapping[str, str] | None,
    cameras: Cameras | None,
) -> dict[Path, bytes]:
    """Contents of the files to write, the main one first."""
    if kind == "obj":
        stem = "_".join(path.stem.split())  # readers of `mtllib` stop at a space
        files = encode_obj(mesh, stem)
        return {path: files.pop(f"{stem}.obj")} | {path.with_name(name): content for name, content in files.items()}
    encoders: dict[str, Callable[[], bytes]] = {
        "glb": lambda: encode_glb(mesh, provenance=provenance, extras=extras, cameras=cameras),
        "ply": lambda: encode_ply(_with_vertex_colors(mesh), provenance=provenance),
        "stl": lambda: encode_stl(mesh),
    }
    return {path: encoders[kind]()}


def _with_vertex_colors(mesh: Mesh) -> Mesh:
    """The mesh with its texture's colours at the vertices, for formats without textures."""
    if mesh.vertex_colors is not None or mesh.uvs is None or mesh.texture is None:
        return mesh
    from ...render.surface_colors import vertex_colors

    return replace(mesh, vertex_colors=vertex_colors(mesh))


def _report(mesh: Mesh, path: Path, kind: str, sized: bool) -> ExportReport:
    closed = is_closed(mesh)
    low, high = (
        tuple(at + start for at, start in zip(corner, mesh.origin, strict=True)) for corner in mesh.bounds.tolist()
    )
    volume = signed_volume(mesh) if closed else None
    unit = "mm" if kind == "stl" else "m" if sized else "units"
    return ExportReport(path, closed, volume, (low, high), len(mesh.vertices), len(mesh.faces), unit)
