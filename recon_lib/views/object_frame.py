"""The frame of the object that views show: fits work in it, and results return to the views' own world.

An object at the origin, in about the unit sphere, keeps numbers where float32 and all thresholds are at home, whatever
units and place the source's world has.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..cameras.world_up import turned_cameras
from ..errors import BadInput
from ..meshes.mesh import Mesh
from .views import Views


@dataclass(frozen=True)
class ObjectFrame:
    """A similarity without rotation: world = origin + center + scale * point of the object's frame."""

    center: tuple[float, float, float]  # world units, from the origin
    scale: float  # world units per unit of the frame
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)  # as in `Views`: what the world's coordinates count from

    @classmethod
    def of(cls, views: Views) -> "ObjectFrame":
        """The frame in which the object that the masks mark lies in the unit sphere.

        For one view and for parallel optical axes it is the world itself. Raises `BadInput` as `view_center`.
        """
        center, radius = view_center(views)
        x, y, z = center.tolist()
        return cls((x, y, z), radius, views.origin)

    def cameras_into(self, cameras: Cameras) -> Cameras:
        """World cameras, whatever they count from, as cameras of the frame."""
        pose = cameras.camera_to_world.to(torch.float64, copy=True)
        shift = pose.new_tensor(cameras.origin) - pose.new_tensor(self.origin)
        pose[:, :3, 3] = (pose[:, :3, 3] + shift - pose.new_tensor(self.center)) / self.scale
        return replace(cameras, camera_to_world=pose.float(), origin=(0.0, 0.0, 0.0))

    def views_into(self, views: Views) -> Views:
        """Views of the world as views of the frame; depth is scaled with them."""
        depth = None if views.depth is None else views.depth / self.scale
        return replace(views, cameras=self.cameras_into(views.cameras), depth=depth)

    def views_out(self, views: Views) -> Views:
        """Views of the frame as views of the world: undoes `views_into`."""
        pose = views.cameras.camera_to_world.to(torch.float64, copy=True)
        pose[:, :3, 3] = pose[:, :3, 3] * self.scale + pose.new_tensor(self.center)
        depth = None if views.depth is None else views.depth * self.scale
        cameras = replace(views.cameras, camera_to_world=pose.float(), origin=self.origin)
        return replace(views, cameras=cameras, depth=depth)

    def mesh_out(self, mesh: Mesh) -> Mesh:
        """A mesh of the frame as a mesh of the world."""
        placed = mesh.placed_vertices * self.scale + torch.tensor(self.center, dtype=torch.float64)
        return replace(mesh, vertices=placed.to(mesh.vertices), origin=self.origin)


def turned_views(views: Views, rotation: Tensor) -> Views:
    """The views in a world turned about its origin by `rotation` [3,3]; layers are the cameras' own and stay."""
    return replace(views, cameras=turned_cameras(views.cameras, rotation))


def view_center(views: Views) -> tuple[Tensor, float]:
    """The point closest to all optical axes [3], and the radius of the masks around it, world units.

    The origin and the unit sphere for one view, or for parallel axes, which have no such point.
    """
    axes = views.cameras.rotation[:, :, 2]
    onto_plane = torch.eye(3) - axes[:, :, None] * axes[:, None]  # [V,3,3] whose normal the axis is
    total = onto_plane.sum(0)
    if len(views) < 2 or float(torch.linalg.eigvalsh(total)[0]) < 1e-3 * len(views):
        return torch.zeros(3), 1.0
    center = torch.linalg.solve(total, torch.einsum("vij,vj->i", onto_plane, views.cameras.position))
    pixels, depth = views.cameras.project(center[None])
    radius = 0.0
    for view in range(len(views)):
        rows, columns = (views.masks[view, 0] > 0.5).nonzero(as_tuple=True)
        marked = torch.stack([columns, rows], -1) + 0.5
        if len(marked) and depth[view, 0] > 0:
            offset = float((marked - pixels[view, 0]).norm(dim=-1).max())
            radius = max(radius, offset * float(depth[view, 0] / views.cameras.intrinsics[view, 1, 1]))
    if not bool((views.masks > 0.5).any()):
        raise BadInput("The masks of all views are empty; white (1) must mark the object.")
    if not radius > 0:
        raise BadInput("The object lies behind every camera; check the cameras' axes (OpenCV: z forward).")
    return center, radius * math.sqrt(2)
