"""ComfyUI's geometry dicts, recognised by their keys: MoGe's and Depth Anything 3's (core of 2026).

MOGE_GEOMETRY, `comfy_extras/nodes_moge.py` (all keys but `image` optional): points [B,H,W,3] camera frame, OpenCV axes;
depth [B,H,W], their z; intrinsics [B,3,3] normalised, fx and cx by the width, fy and cy by the height, principal point
in the middle; mask [B,H,W] bool, what has geometry; normal [B,H,W,3] OpenCV axes; image [B,H,W,3]. Without geometry
points and depth are infinite. A panorama's has no intrinsics, and its depth is a distance.

DA3_GEOMETRY, `comfy_extras/nodes_depth_anything_3.py`: depth [B,H,W]; image [B,H,W,3]; mode "mono" or "multiview"; sky
[B,H,W] probability; confidence [B,H,W] of any range. Of several views: extrinsics [1,B,3 or 4,4] world to camera,
intrinsics [1,B,3,3] in pixels of the picture that the network saw, whose sides are multiples of 14 and which is told
nowhere: the depth was enlarged to the photo's size, they were not. Identity matrices stand for poses not estimated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..check import check_finite, check_shape
from ..errors import BadInput
from .prepare import prepare_image

SKY = 0.5  # probability
NORMALISED = 2.0  # principal points below are parts of the picture, not pixels
PATCH = 14  # pixels, of Depth Anything's network
WHOLE = 0.02  # relative difference up to which intrinsics in pixels are the photo's own
DETERMINANT = 0.1  # of a rotation, from 1


@dataclass(frozen=True)
class Geometry:
    """What a geometry dict says of B photos."""

    images: Tensor  # [B,3,H,W]
    depth: Tensor  # [B,1,H,W] z-depth, 0 = unknown
    intrinsics: Tensor | None  # [B,3,3] pixels of the photo; None: the lens is not known
    world_to_camera: Tensor | None  # [B,4,4] OpenCV axes; None: no poses
    normals: Tensor | None  # [B,3,H,W] unit, camera frame, 0 = unknown

    def __len__(self) -> int:
        return len(self.images)


def read_geometry(value: object, confidence: float = 0.0) -> Geometry:
    """The geometry of a MOGE_GEOMETRY or DA3_GEOMETRY dict, or of one like them.

    confidence: depth is taken as unknown where it is lower, 0-1 of its range in the photo, as core's own nodes do.
    Raises `BadInput` for other values, panoramas, depth that is nowhere known, and parts that do not fit each other.
    """
    if not isinstance(value, Mapping) or not ("depth" in value or "points" in value):
        raise BadInput(f"The geometry is a {type(value).__name__}; connect MoGe's or Depth Anything 3's geometry.")
    if "mode" not in value and value.get("intrinsics") is None:
        raise BadInput("The geometry is a panorama's, it has no lens; give that of an ordinary photo.")
    images = _images(value)
    count, _, height, width = images.shape
    depth = _layer(value, "depth", count, height, width)
    if depth is None:
        depth = _layer(value, "points", count, height, width, 3)[..., 2]
    known = torch.isfinite(depth) & (depth > 0) & _trusted(value, confidence, count, height, width)
    if not known.any():
        raise BadInput("The geometry's depth is known nowhere; lower the confidence, or give another photo.")
    normals = _layer(value, "normal", count, height, width, 3)
    if normals is not None:
        normals = torch.where(torch.isfinite(normals).all(-1, keepdim=True) & known[..., None], normals, 0.0)
        normals = torch.nn.functional.normalize(normals, dim=-1).movedim(-1, 1)
    pose = _poses(value, count)
    lens = _intrinsics(value, count, height, width)
    return Geometry(images, torch.where(known, depth, 0.0)[:, None], lens, pose, normals)


def _images(value: Mapping[str, Any]) -> Tensor:
    image = value.get("image")
    if not isinstance(image, Tensor) or image.ndim != 4:
        raise BadInput("The geometry has no image [batch, height, width, 3]; connect the node that estimated it.")
    return prepare_image(image.detach().movedim(-1, 1).cpu().clone())


def _layer(value: Mapping[str, Any], name: str, count: int, height: int, width: int, *last: int) -> Tensor | None:
    """An entry [B,H,W] or [B,H,W,last] as float32 on the CPU; None where there is none."""
    layer = value.get(name)
    if layer is None:
        return None
    check_shape(f"the geometry's {name}", layer, count, height, width, *last)
    return layer.detach().to("cpu", torch.float32, copy=True)


def _trusted(value: Mapping[str, Any], confidence: float, count: int, height: int, width: int) -> Tensor:
    """Where mask, sky and confidence leave the depth standing: [B,H,W] bool."""
    trusted = torch.ones(count, height, width, dtype=torch.bool)
    for name, holds in (("mask", lambda m: m > 0.5), ("sky", lambda s: s < SKY)):
        layer = _layer(value, name, count, height, width)
        trusted = trusted if layer is None else trusted & holds(layer)
    scores = _layer(value, "confidence", count, height, width)
    if scores is not None and confidence > 0:
        low, high = scores.amin((1, 2), keepdim=True), scores.amax((1, 2), keepdim=True)
        trusted &= scores - low >= confidence * (high - low)
    return trusted


def _matrices(value: Mapping[str, Any], name: str, count: int) -> Tensor | None:
    """An entry [B,rows,columns] or [1,B,rows,columns] as [B,rows,columns] float32."""
    matrices = value.get(name)
    if matrices is None:
        return None
    if not isinstance(matrices, Tensor) or matrices.ndim not in (3, 4):
        raise BadInput(f"The geometry's {name} are no matrices, one for each photo; the node before is broken.")
    matrices = matrices[0] if matrices.ndim == 4 else matrices
    if len(matrices) != count:
        raise BadInput(f"The geometry has {len(matrices)} {name} and {count} photos; the node before is broken.")
    return matrices.detach().to("cpu", torch.float32, copy=True)


def _poses(value: Mapping[str, Any], count: int) -> Tensor | None:
    matrices = _matrices(value, "extrinsics", count)
    if matrices is None:
        return None
    check_finite("the geometry's extrinsics", matrices)
    poses = torch.eye(4).repeat(count, 1, 1)
    if matrices.shape[1:] not in ((3, 4), (4, 4)):
        raise BadInput(f"The geometry's extrinsics are {tuple(matrices.shape[1:])}; 3x4 or 4x4 is needed.")
    poses[:, :3] = matrices[:, :3]
    if count > 1 and bool((poses - poses[:1]).abs().amax() == 0):
        return None  # what stands for poses that were not estimated
    if ((torch.linalg.det(poses[:, :3, :3]) - 1).abs() > DETERMINANT).any():
        raise BadInput("The geometry's extrinsics hold no rotations; estimate the poses by the other pose method.")
    return poses


def _intrinsics(value: Mapping[str, Any], count: int, height: int, width: int) -> Tensor | None:
    """Lenses [B,3,3] in pixels of the photo."""
    lens = _matrices(value, "intrinsics", count)
    if lens is None:
        return None
    check_shape("the geometry's intrinsics", lens, count, 3, 3)
    check_finite("the geometry's intrinsics", lens)
    middle = lens[:, :2, 2].median(0).values
    if not (middle > 0).all():
        return None  # identity: not estimated
    if (middle < NORMALISED).all():
        scale = torch.tensor([width, height])
    else:
        scale = torch.stack(
            [size / _network_side(2 * c, size) for c, size in zip(middle, (width, height), strict=True)]
        )
    lens[:, :2] *= scale[:, None]
    if not (lens[:, :2, :2].diagonal(dim1=1, dim2=2) > 0).all():
        raise BadInput("The geometry's focal lengths are not above 0; estimate them by the other pose method.")
    return lens


def _network_side(twice: Tensor, size: int) -> Tensor:
    """The side of the picture that intrinsics with a principal point at half of `twice` are meant for, pixels."""
    if abs(float(twice) / size - 1) < WHOLE:
        return torch.tensor(float(size))
    return (twice / PATCH).round().clamp_min(1) * PATCH
