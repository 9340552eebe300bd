"""A mesh as it is compared with a photo: in the unit sphere, of few triangles, with its colours."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from ....cameras.camera import Cameras
from ....errors import BadInput
from ....meshes.bounding_sphere import bounding_sphere
from ....meshes.clean import decimated
from ....meshes.mesh import Mesh
from ....render.fill import nearest_values
from ....render.surface_colors import vertex_colors

log = logging.getLogger("recon3d")
MAX_FACES = 20_000  # rendered as they are; of more a coarser copy, coloured by its nearest vertices
COARSE_FACES = 8_000
PLAIN = 0.02  # sRGB: colours that differ by no more say nothing about the pose


@dataclass(frozen=True)
class Model:
    """A mesh around the origin with radius 1, and the way back to its own place."""

    mesh: Mesh
    center: Tensor  # [3] of the mesh's bounding sphere, its own units
    radius: float
    origin: tuple[float, float, float]
    colored: bool

    @classmethod
    def of(cls, mesh: Mesh, check: Callable[[], None]) -> "Model":
        """Raises `BadInput` for a mesh without triangles or without extent."""
        used = mesh.vertices[mesh.faces.unique()] if len(mesh.faces) else mesh.vertices[:0]
        if not len(used) or not float((used.amax(0) - used.amin(0)).norm()) > 0:
            raise BadInput("The mesh has no extent, so it fits no photo; check the node or file that it comes from.")
        center, radius = bounding_sphere(used)
        check()
        small, colors = mesh, None
        if len(mesh.faces) > MAX_FACES:
            log.info("the pose is searched with %d of %d triangles", COARSE_FACES, len(mesh.faces))
            small, colors = decimated(mesh, COARSE_FACES, check), vertex_colors(mesh)
            check()
            if colors is not None:
                small = replace(small, vertex_colors=nearest_values(small.vertices, mesh.vertices, colors))
        center = center.to(mesh.vertices)
        small = replace(small.mapped(lambda v: (v - center) / radius), origin=(0.0, 0.0, 0.0)).with_normals()
        return cls(small, center, radius, mesh.origin, _is_colored(vertex_colors(small)))

    def camera_out(self, cameras: Cameras) -> Cameras:
        """Cameras around the model as cameras around the mesh where it stands."""
        pose = cameras.camera_to_world.clone()
        pose[:, :3, 3] = pose[:, :3, 3] * self.radius + self.center
        return replace(cameras, camera_to_world=pose, origin=self.origin)

    def camera_in(self, cameras: Cameras) -> Cameras:
        """The inverse of `camera_out`."""
        pose = cameras.moved_to(self.origin).camera_to_world.clone()
        pose[:, :3, 3] = (pose[:, :3, 3] - self.center) / self.radius
        return replace(cameras, camera_to_world=pose, origin=(0.0, 0.0, 0.0))


def _is_colored(colors: Tensor | None) -> bool:
    return colors is not None and float((colors.amax(0) - colors.amin(0)).max()) > PLAIN
