"""Cameras under adjustment: rigid increments in each camera's own frame and a factor of its focal length."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...cameras.camera import Cameras

PARAMETERS = 7  # a view: rotation vector, translation, logarithm of the focal length
NEAREST = 1e-3  # of a unit: points closer before a camera have no pixel


@dataclass(frozen=True)
class Projected:
    """Pixels of N points in V views and how they move."""

    pixels: Tensor  # [N,V,2]
    depth: Tensor  # [N,V], <= 0: behind the camera
    by_camera: Tensor  # [N,V,2,7] derivatives by (rotation, translation, log focal length)
    by_point: Tensor  # [N,V,2,3] derivatives by the point, world


def moved(cameras: Cameras, step: Tensor) -> Cameras:
    """Cameras after increments [V,7]: rotation vector (radians) and translation (world units), both in the camera's
    own frame, and the logarithm of the focal length's factor.

    `camera_to_world exp(xi)`, a right increment of SE(3) (Solà, Deray, Atchuthan 2018, eq. 25).
    """
    twist = step.new_zeros(len(step), 4, 4)
    twist[:, :3, :3], twist[:, :3, 3] = cross_matrix(step[:, :3]), step[:, 3:6]
    pose = cameras.camera_to_world.double() @ torch.linalg.matrix_exp(twist.double())
    intrinsics = cameras.intrinsics.double().clone()
    intrinsics[:, [0, 1], [0, 1]] *= step[:, 6:].double().exp()
    return replace(cameras, camera_to_world=pose.float(), intrinsics=intrinsics.float())


def cross_matrix(vectors: Tensor) -> Tensor:
    """Matrices [...,3,3] of the cross product with vectors [...,3] from the left."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.stack(rows, -1).view(*vectors.shape[:-1], 3, 3)


def project(cameras: Cameras, points: Tensor) -> Projected:
    """Pixels of points [N,3] world in all views, and the derivatives at increments of zero (see `moved`)."""
    world_to_camera = cameras.rotation.mT  # [V,3,3]
    local = torch.einsum("vij,nvj->nvi", world_to_camera, points[:, None] - cameras.position)
    x, y, depth = local.unbind(-1)
    z = depth.clamp_min(NEAREST)
    fx, fy = cameras.intrinsics[:, 0, 0], cameras.intrinsics[:, 1, 1]
    offset = torch.stack([fx * x / z, fy * y / z], -1)  # from the principal point
    zero = torch.zeros_like(z)
    by_local = torch.stack([fx / z, zero, -fx * x / z**2, zero, fy / z, -fy * y / z**2], -1).view(*z.shape, 2, 3)
    by_camera = torch.cat([by_local @ cross_matrix(local), -by_local, offset[..., None]], -1)
    return Projected(offset + cameras.intrinsics[:, :2, 2], depth, by_camera, by_local @ world_to_camera)
