"""Stand-ins for the geometry dicts of ComfyUI's own MoGe and Depth Anything 3 nodes, from known views."""

import torch
from torch import Tensor

from recon_lib.views.views import Views

NETWORK_PX = (154, 210)  # height, width of the picture that Depth Anything's network saw, for photos of 88 x 120


def moge(views: Views) -> dict:
    """MOGE_GEOMETRY of views, with depth where they have some and infinity elsewhere."""
    known = views.depth[:, 0] > 0
    points = views.cameras.to_camera(views.cameras.unproject(views.depth).flatten(1, 2)).unflatten(1, known.shape[1:])
    size = torch.tensor([views.cameras.width, views.cameras.height, 1.0])
    return {
        "image": views.images.movedim(1, -1),
        "points": torch.where(known[..., None], points, torch.inf),
        "depth": torch.where(known, views.depth[:, 0], torch.inf),
        "intrinsics": views.cameras.intrinsics / size[:, None],
        "mask": known,
        "normal": views.normals.movedim(1, -1),
    }


def depth_anything(views: Views, scale: float = 2.5, world: Tensor | None = None) -> dict:
    """DA3_GEOMETRY of several views: another unit, another world [4,4], intrinsics of the network's picture."""
    height, width = NETWORK_PX
    poses = views.cameras.camera_to_world.clone()
    poses[:, :3, 3] *= scale
    poses = poses if world is None else world @ poses
    known = views.depth[:, 0] > 0
    return {
        "image": views.images.movedim(1, -1),
        "depth": torch.where(known, scale * views.depth[:, 0], scale * 50.0),
        "mode": "multiview",
        "extrinsics": torch.linalg.inv(poses)[None, :, :3],
        "intrinsics": views.cameras.resized(height, width).intrinsics[None],
        "confidence": torch.where(known, 9.0, 1.0),
    }
