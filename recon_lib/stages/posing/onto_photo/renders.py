"""Renders of a model as they are compared with a photo: no light, but surface, normals and what both say."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....cameras.camera import Cameras
from ....meshes.mesh import Mesh
from ....render.mesh import surface_albedo
from ....render.rasterize import rasterize
from .looks import Looks, looks_of_render, relit
from .model import Model
from .target import Target


@dataclass(frozen=True)
class Render:
    """A model in one camera."""

    looks: Looks
    points: Tensor  # [1,S,S,3] world; the optical centre where nothing is


def layers(model: Model, cameras: Cameras) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """mask [V,1,S,S], normals [V,3,S,S] in the camera's frame and toward it, albedo [V,3,S,S], depth [V,1,S,S]."""
    mesh: Mesh = model.mesh
    fragments = rasterize(mesh, cameras)
    normals = F.normalize(fragments.interpolate(mesh.vertex_normals[mesh.faces]) @ cameras.rotation[:, None], dim=-1)
    normals = normals * torch.where(normals[..., 2:] > 0, -1.0, 1.0)  # of surfaces that are wound the wrong way
    albedo = surface_albedo(mesh, fragments).permute(0, 3, 1, 2) if model.colored else None
    return fragments.mask[:, None].float(), normals.permute(0, 3, 1, 2), albedo, fragments.depth[:, None]


def render(model: Model, camera: Cameras, target: Target) -> Render:
    """The model in one camera of the target's pixels, in the light that suits the target best."""
    mask, normals, albedo, depth = layers(model, camera)
    if albedo is not None:
        albedo = relit(albedo, normals, target.image, mask * (target.looks.mask > 0.5))
    return Render(looks_of_render(albedo, normals, mask), camera.unproject(depth))
