"""Depth, normals and camera of a photo, by the loaded network."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import FLIP_YZ, Cameras
from ...memory import explain_oom
from ...progress import Progress
from ...views.prepare import prepare_image, prepare_mask
from ...weights.registry import LoadedModel
from .object_crop import object_crop, predict_crop

STEEP = 0.15  # relative depth step between neighbours that is an edge, not a slope


@dataclass(frozen=True)
class DepthNormals:
    """Geometry of the visible object, and the camera that saw it."""

    depth: Tensor  # [V,1,H,W] z-depth, mean 1 over each mask, 0 off it
    normals: Tensor  # [V,3,H,W] unit, camera frame, 0 off the mask
    cameras: Cameras  # V, at the origin of the world, looking at -z


@explain_oom("estimating depth", "give a smaller picture or compute on the CPU")
@torch.no_grad()
def estimate_depth_normals(
    model: LoadedModel,
    images: Tensor,  # [V,3,H,W]
    masks: Tensor,  # [V,1,H,W] 1 = object
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    occluders: Tensor | None = None,  # [V,1,H,W] 1 = stands in front of the object, where that is known
) -> DepthNormals:
    """Estimate each image by itself, in a square window around its mask.

    Depth is up to scale. Normals come from the network's own head where it has one, else from the depth.
    """
    images = prepare_image(images)
    masks = prepare_mask(masks, len(images), *images.shape[-2:])
    progress = progress or Progress()
    progress.start("estimating depth", len(images))
    module, found = model.module.to(device), []
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        occluder = None if occluders is None else occluders[index : index + 1]
        found.append(_estimate_one(module, image[None], mask[None], occluder, device))
        progress.step()
    depth, intrinsics = torch.cat([f[0] for f in found]), torch.cat([f[2] for f in found])
    pose = torch.eye(4).repeat(len(images), 1, 1)
    pose[:, :3, :3] = FLIP_YZ
    cameras = Cameras(pose, intrinsics, *images.shape[-2:])
    own = None if found[0][1] is None else torch.cat([f[1] for f in found])
    normals = normals_from_depth(depth, cameras) if own is None else own * (depth > 0)
    return DepthNormals(depth, normals, cameras)


def _estimate_one(
    module: torch.nn.Module, image: Tensor, mask: Tensor, occluder: Tensor | None, device: torch.device | str
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Depth [1,1,H,W], normals [1,3,H,W] or None, intrinsics [1,3,3] of the picture."""
    height, width = image.shape[-2:]
    size, crop = module.config.image_size, object_crop(mask, occluder)
    prediction = predict_crop(module, crop, image, mask, occluder, device)
    depth = crop.paste(prediction.dense.depth.cpu(), height, width, 0.0)
    on = (mask > 0.5) & (depth > 0)
    depth = torch.where(on, depth / depth[on].mean().clamp_min(1e-6), 0.0)
    normals = prediction.dense.normals
    if normals is not None:
        normals = F.normalize(crop.paste(normals.cpu(), height, width, 0.0), dim=1)
    return (
        depth,
        normals,
        crop.picture_intrinsics(prediction.intrinsics.cpu(), size, height, width, module.config.pixel_offset),
    )


def normals_from_depth(depth: Tensor, cameras: Cameras) -> Tensor:
    """Camera-frame unit normals [V,3,H,W] of z-depth [V,1,H,W], 0 where there is none.

    Cross products of forward and backward differences of the unprojected points, averaged over the four quadrants
    whose neighbours lie on the same surface.
    """
    points = cameras.to_camera(cameras.unproject(depth).flatten(1, 2)).mT.unflatten(-1, depth.shape[-2:])
    valid = depth > 0
    sides = {}
    for name, (dy, dx) in {"right": (0, 1), "down": (1, 0), "left": (0, -1), "up": (-1, 0)}.items():
        other = torch.roll(points, (-dy, -dx), (2, 3))
        near = (other[:, 2:] - points[:, 2:]).abs() < STEEP * points[:, 2:].abs()
        fine = valid & torch.roll(valid, (-dy, -dx), (2, 3)) & near
        edge = torch.zeros_like(fine)
        edge[:, :, {1: -1, -1: 0}.get(dy, slice(0, 0)), :] = True
        edge[:, :, :, {1: -1, -1: 0}.get(dx, slice(0, 0))] = True
        sides[name] = (other - points, fine & ~edge)
    total = torch.zeros_like(points)
    for first, second in (("right", "down"), ("down", "left"), ("left", "up"), ("up", "right")):
        (a, a_fine), (b, b_fine) = sides[first], sides[second]
        total = total + F.normalize(torch.linalg.cross(b, a, dim=1), dim=1) * (a_fine & b_fine)
    return F.normalize(total, dim=1)
