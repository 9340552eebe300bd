"""First hits of camera rays with a mesh, through Embree (a wheel) where it is installed.

One mesh at a time, numpy in and out: this is the data engine's inner loop, about 1.5 million rays a second a core.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import Mesh


@dataclass(frozen=True)
class Hits:
    """What R rays met first. Rows of rays that met nothing have `hit` False and arbitrary other values."""

    hit: NDArray[np.bool_]  # [R]
    distance: NDArray[np.float32]  # [R] along the unit ray
    face: NDArray[np.int32]  # [R]
    barycentric: NDArray[np.float32]  # [R,3] weights of the face's corners


class RayCaster:
    """A mesh prepared for ray queries."""

    def __init__(self, mesh: Mesh) -> None:
        from embreex import rtcore_scene
        from embreex.mesh_construction import TriangleMesh

        self._scene = rtcore_scene.EmbreeScene()
        vertices = np.ascontiguousarray(mesh.vertices.numpy(), dtype=np.float32)
        faces = np.ascontiguousarray(mesh.faces.numpy(), dtype=np.int32)
        self._mesh = TriangleMesh(self._scene, vertices, faces)

    def first_hits(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> Hits:
        """origins, directions (unit) [R,3] -> the nearest hit of each ray."""
        answer = self._scene.run(
            np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32), output=True
        )
        u, v = answer["u"], answer["v"]
        weights = np.stack([1 - u - v, u, v], -1)
        return Hits(answer["primID"] >= 0, answer["tfar"], answer["primID"], weights)

    def blocked(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether anything lies along each ray [R,3] -> [R] (shadow rays; start them off the surface)."""
        answer = self._scene.run(
            np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32), query="OCCLUDED"
        )
        return answer >= 0
