"""Depth, normals and camera of a photo, by the loaded network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...cameras.camera import FLIP_YZ, Cameras
from ...memory import explain_oom
from ...networks.contracts import InputSpec
from ...progress import Progress
from ...views.prepare import prepare_image, prepare_mask
from ...weights.registry import LoadedModel
from .lens import lenses_of
from .object_crop import CropPrediction, predict_crop

MAX_DEPTH_STEP = 0.15  # relative, between neighbours on one surface; a larger step is an edge


@dataclass(frozen=True)
class DepthNormals:
    """Geometry of the visible object, and the camera that saw it."""

    depth: Tensor  # [V,1,H,W] z-depth, mean 1 over each mask, 0 off it
    normals: Tensor  # [V,3,H,W] unit, camera frame, 0 off the mask
    cameras: Cameras  # V, at the origin of the world, looking at -z

    @classmethod
    def cat(cls, estimates: Sequence["DepthNormals"]) -> "DepthNormals":
        """Those of several images of one size."""
        depth, normals = (torch.cat([getattr(one, name) for one in estimates]) for name in ("depth", "normals"))
        return cls(depth, normals, Cameras.cat([one.cameras for one in estimates]))


@explain_oom("estimating depth", "give a smaller picture or compute on the CPU")
@torch.no_grad()
def estimate_depth_normals(
    model: LoadedModel,
    images: Tensor,  # [V,3,H,W]
    masks: Tensor,  # [V,1,H,W] 1 = object
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    occluders: Tensor | None = None,  # [V,1,H,W] 1 = stands in front of the object, where that is known
    cameras: Cameras | None = None,  # V, or one for all, whose lenses took the images; their poses do not matter
) -> DepthNormals:
    """Estimate each image by itself, in a square window around its mask.

    Depth is up to scale. Without cameras the lens is the network's own, or the default one, see `lens`. Normals come
    from the network's own head where it has one, else from the depth.
    """
    images = prepare_image(images)
    masks = prepare_mask(masks, len(images), *images.shape[-2:])
    progress = progress or Progress()
    progress.start("estimating depth", len(images))
    lenses = None if cameras is None else lenses_of(cameras, len(images), *images.shape[-2:])
    network, estimates = model.module.to(device), []
    for index, (image, mask) in enumerate(zip(images[:, None], masks[:, None], strict=True)):
        occluder = None if occluders is None else occluders[index : index + 1]
        lens = None if lenses is None else lenses[index : index + 1]
        prediction = predict_crop(network, image, mask, occluder, device, lens)
        estimates.append(paste_depth_normals(prediction, mask, network.input_spec))
        progress.step()
    return DepthNormals.cat(estimates)


def paste_depth_normals(prediction: CropPrediction, mask: Tensor, spec: InputSpec) -> DepthNormals:
    """The prediction of a crop, enlarged into its image; mask [1,1,H,W] 1 = object."""
    crop, dense, (height, width) = prediction.crop, prediction.prediction.dense, mask.shape[-2:]
    depth = crop.paste(dense.depth.cpu(), height, width, 0.0)
    on = (mask > 0.5) & (depth > 0)
    depth = torch.where(on, depth / depth[on].mean().clamp_min(1e-6), 0.0)
    pose = torch.eye(4)[None]
    pose[:, :3, :3] = FLIP_YZ
    intrinsics = prediction.prediction.intrinsics.cpu()
    intrinsics = crop.picture_intrinsics(intrinsics, spec.size, height, width, spec.pixel_offset)
    cameras = Cameras(pose, intrinsics, height, width)
    if dense.normals is None:
        return DepthNormals(depth, normals_from_depth(depth, cameras), cameras)
    normals = F.normalize(crop.paste(dense.normals.cpu(), height, width, 0.0), dim=1)
    return DepthNormals(depth, normals * (depth > 0), cameras)


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
        near = (other[:, 2:] - points[:, 2:]).abs() < MAX_DEPTH_STEP * points[:, 2:].abs()
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
