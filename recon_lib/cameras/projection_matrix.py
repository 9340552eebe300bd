"""Projection matrices taken apart: P = K [R|t] up to a factor.

Source: Hartley & Zisserman, "Multiple View Geometry", 2nd ed., section 6.2.4: the left 3x3 block is K R, which an RQ
decomposition separates; the camera stands where P is 0. K's diagonal is made positive, and P's sign is chosen such
that R turns without mirroring, so that what is in front of the camera has positive depth.
"""

import torch
from torch import Tensor

from ..errors import BadInput
from .lens_json import LARGEST_SKEW

SMALLEST_DETERMINANT = 1e-12  # of the left block, whose rows have length 1


def decompose_projection(matrix: Tensor, where: str) -> tuple[Tensor, Tensor]:
    """Intrinsics [3,3] and camera-to-world [4,4] (OpenCV axes), float64, of a projection matrix [3,4] or [4,4].

    matrix: maps homogeneous points of the world to pixels, times any factor but 0. `where` names it in sentences.
    Raises `BadInput` for NaN, other shapes, affine and singular cameras, and for skewed pixels.
    """
    matrix = matrix.double()
    if matrix.shape == (4, 4) and matrix[3].tolist() == [0, 0, 0, 1]:
        matrix = matrix[:3]
    if matrix.shape != (3, 4) or not bool(torch.isfinite(matrix).all()):
        raise BadInput(f"{where} is no 3x4 matrix of numbers; write it row by row.")
    matrix = matrix / matrix.abs().max().clamp_min(1e-300)  # any factor, so that no norm overflows
    block = matrix[:, :3]
    unit = block / block.norm(dim=1, keepdim=True).clamp_min(1e-300)
    determinant = torch.linalg.det(unit)
    if not float(determinant.abs()) > SMALLEST_DETERMINANT:
        raise BadInput(f"{where} is no projection of a camera at a finite place; write K [R|t], row by row.")
    if float(determinant) < 0:
        matrix, block = -matrix, -block
    upper, rotation = _rq(block)
    intrinsics = (upper / upper[2, 2]).triu()
    skew = float(intrinsics[0, 1].abs() / intrinsics[0, 0])
    if skew > LARGEST_SKEW:
        raise BadInput(f"{where} has a skew of {skew:.2g} of its focal length; rectify its picture.")
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = rotation.T
    pose[:3, 3] = -torch.linalg.solve(block, matrix[:, 3])
    return intrinsics, pose


def _rq(block: Tensor) -> tuple[Tensor, Tensor]:
    """Upper triangle with a positive diagonal, and rotation, whose product is `block` [3,3] of positive determinant."""
    q, r = torch.linalg.qr(block.flip(0).T)
    upper, rotation = r.T.flip(0).flip(1), q.T.flip(0)
    sign = torch.sign(upper.diagonal())
    return upper * sign, sign[:, None] * rotation
