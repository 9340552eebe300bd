"""Any method's shape of a photo, turned so that it stands as the object does: up is +y, whatever the camera's tilt."""

from dataclasses import replace

import torch
from torch import Tensor

from ...cameras.camera import Cameras
from ...cameras.upright import upright_rotation
from ...errors import BadInput
from ...meshes.align import Similarity
from ...meshes.mesh import Mesh
from ...progress import Progress
from ...views.views import Views
from ...weights.registry import LoadedModel
from .upright_shape import upright_shape


def vertical(
    model: LoadedModel, views: Views, device: torch.device | str = "cpu", progress: Progress | None = None
) -> Tensor:
    """Where up is in the first view: [3], unit, in the frame of a camera that looks at the object.

    model: LIST's, whose spatial transformer tells it from photo and mask. Raises `BadInput` for one that tells none.
    """
    up = upright_shape(model, views.images[:1], views.masks[:1], device=device, progress=progress).up
    if up is None:
        raise BadInput(f"{model.card.name} tells no vertical; load a LIST model with its spatial transformer.")
    return up


def world_to_upright(up: Tensor, cameras: Cameras) -> Tensor:
    """Rotation [3,3] from the world of cameras to the upright frame of the first; up as `vertical` tells it."""
    return upright_rotation(up[None].float())[0].mT @ cameras.rotation[0].mT


def turned(mesh: Mesh, rotation: Tensor) -> Mesh:
    """The mesh turned about the world's origin by a rotation [3,3], such as that of `world_to_upright`."""
    return mesh.mapped(Similarity(1.0, rotation.double(), torch.zeros(3, dtype=torch.float64)))


def cameras_turned(cameras: Cameras, rotation: Tensor) -> Cameras:
    """Cameras that see the mesh of `turned` as they saw it before."""
    turn = torch.block_diag(rotation, torch.ones(1, 1))
    return replace(cameras, camera_to_world=turn @ cameras.camera_to_world)


def on_ground(mesh: Mesh) -> Mesh:
    """The upright mesh moved up or down so that it stands on y = 0."""
    if not len(mesh.vertices):
        return mesh
    lift = torch.stack([torch.zeros(()), -mesh.vertices[:, 1].amin().cpu(), torch.zeros(())]).to(mesh.vertices)
    return replace(mesh, vertices=mesh.vertices + lift)
