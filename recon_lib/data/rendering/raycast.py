"""Ray casting: first hits of rays with a mesh, by Embree, or, where it has no wheel, by trimesh, which is slow.

One mesh at a time, with numpy arrays: this is the data engine's inner loop, about 1.5 million rays a second a core.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...meshes.mesh import Mesh


@dataclass(frozen=True)
class Hits:
    """First hits of R rays. Rows of rays without a hit have `hit` False and arbitrary other values."""

    hit: NDArray[np.bool_]  # [R]
    distance: NDArray[np.float32]  # [R] along the unit ray
    face: NDArray[np.int32]  # [R]
    barycentric: NDArray[np.float32]  # [R,3] weights of the face's corners


class RayCaster(Protocol):
    """A mesh prepared for ray queries."""

    def first_hits(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> Hits:
        """Nearest hit of each ray; origins, directions (unit) [R,3]."""

    def blocked(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Occlusion [R] of rays [R,3], for shadow rays; start them off the surface."""


def ray_caster(mesh: Mesh) -> RayCaster:
    """The fastest caster that is installed."""
    return EmbreeCaster(mesh) if find_spec("embreex") else TrimeshCaster(mesh)


class EmbreeCaster:
    """Ray caster with embreex."""

    def __init__(self, mesh: Mesh) -> None:
        from embreex import rtcore_scene
        from embreex.mesh_construction import TriangleMesh

        self._scene = rtcore_scene.EmbreeScene()  # pyright: ignore[reportAttributeAccessIssue] - a compiled module
        vertices = np.ascontiguousarray(mesh.vertices.numpy(), dtype=np.float32)
        faces = np.ascontiguousarray(mesh.faces.numpy(), dtype=np.int32)
        self._mesh = TriangleMesh(self._scene, vertices, faces)

    def first_hits(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> Hits:
        result = self._scene.run(
            np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32), output=True
        )
        u, v = result["u"], result["v"]
        weights = np.stack([1 - u - v, u, v], -1)
        return Hits(result["primID"] >= 0, result["tfar"], result["primID"], weights)

    def blocked(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        primitive = self._scene.run(
            np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32), query="OCCLUDED"
        )
        return primitive >= 0


class TrimeshCaster:
    """Ray caster with trimesh's own intersection of rays and triangles."""

    def __init__(self, mesh: Mesh) -> None:
        import trimesh
        from trimesh.ray.ray_triangle import RayMeshIntersector

        self._mesh = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)
        self._rays = RayMeshIntersector(self._mesh)

    def first_hits(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> Hits:
        from trimesh.triangles import points_to_barycentric

        count = len(origins)
        face, ray, position = self._rays.intersects_id(
            origins.astype(np.float64), directions.astype(np.float64), multiple_hits=False, return_locations=True
        )
        hits = Hits(
            np.zeros(count, bool), np.full(count, np.inf, np.float32),
            np.full(count, -1, np.int32), np.zeros((count, 3), np.float32),
        )  # fmt: skip
        hits.hit[ray], hits.face[ray] = True, face
        hits.distance[ray] = np.linalg.norm(position - origins[ray], axis=1)
        hits.barycentric[ray] = points_to_barycentric(self._mesh.triangles[face], position)
        return hits

    def blocked(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        return self._rays.intersects_any(origins.astype(np.float64), directions.astype(np.float64))
