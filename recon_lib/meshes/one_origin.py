"""Meshes and cameras that count from different origins, brought to one before anything is computed in float32."""

from dataclasses import replace

import torch

from ..cameras.camera import Cameras
from .mesh import Mesh

NOWHERE = (0.0, 0.0, 0.0)


def counted_alike(mesh: Mesh, cameras: Cameras) -> tuple[Mesh, Cameras]:
    """The mesh and the cameras, both counted from one origin; the cameras' numbers stay.

    A mesh without an origin was made from views of these cameras, as fits are, and counts from theirs. Cameras without
    one stand around the vertices as they are (an orbit), unless they are nearer to the mesh's place in its file.
    """
    if mesh.origin == cameras.origin:
        return mesh, cameras
    if mesh.origin == NOWHERE:
        return replace(mesh, origin=cameras.origin), cameras
    if cameras.origin == NOWHERE and _beside_vertices(mesh, cameras):
        return mesh, replace(cameras, origin=mesh.origin)
    return mesh.moved_to(cameras.origin), cameras


def _beside_vertices(mesh: Mesh, cameras: Cameras) -> bool:
    """Whether cameras without an origin stand nearer to the vertices' own zero than to their place in the file."""
    if not len(cameras):
        return True
    middle = cameras.position.double().mean(0).cpu()
    place = torch.tensor(mesh.origin, dtype=torch.float64)
    return float(middle.norm()) <= float((middle - place).norm())
