"""Rotation matrices from other descriptions, and a finite set that covers all rotations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_shape


def rotation_from_quaternion(quaternion: Tensor) -> Tensor:
    """Quaternions (x,y,z,w) [N,4], any length but zero -> rotations [N,3,3]."""
    check_shape("quaternion", quaternion, "N", 4)
    x, y, z, w = F.normalize(quaternion, dim=-1).unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], -1),
        torch.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], -1),
        torch.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, -2)


def quaternion_from_rotation(rotation: Tensor) -> Tensor:
    """Rotations [N,3,3] -> unit quaternions (x,y,z,w) [N,4] with w >= 0.

    The quaternion is the dominant eigenvector of a symmetric 4x4 matrix (Bar-Itzhack 2000), which has no
    special cases at half turns.
    """
    check_shape("rotation", rotation, "N", 3, 3)
    r = rotation
    skew = torch.stack([r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], -1)
    trace = r.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None]
    matrix = r.new_zeros(len(r), 4, 4)
    matrix[:, :3, :3] = r + r.mT - trace * torch.eye(3, dtype=r.dtype, device=r.device)
    matrix[:, :3, 3] = matrix[:, 3, :3] = skew
    matrix[:, 3, 3] = trace[:, 0, 0]
    quaternion = torch.linalg.eigh(matrix)[1][..., -1]
    return torch.where(quaternion[:, 3:] < 0, -quaternion, quaternion)


def rotation_about(axis: tuple[float, float, float], degrees: float) -> Tensor:
    """Right-handed rotation by `degrees` about `axis` (any length but zero): [3,3] float64."""
    direction = F.normalize(torch.tensor(axis, dtype=torch.float64), dim=0)
    half = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64)) / 2
    return rotation_from_quaternion(torch.cat([direction * half.sin(), half.cos()[None]])[None])[0]


def icosahedral_rotations() -> Tensor:
    """The 60 proper rotations of the icosahedron, identity first: [60,3,3] float64.

    As quaternions they are the 600-cell, whose covering radius puts every rotation within 44.5 degrees of one.
    Built as the group that a fifth turn about a vertex and a half turn about an edge's midpoint generate.
    """
    golden = (1 + 5**0.5) / 2
    generators = torch.stack([rotation_about((0.0, 1.0, golden), 72.0), rotation_about((0.0, 0.0, 1.0), 180.0)])
    found = torch.eye(3, dtype=torch.float64)[None]
    while len(found) < 60:
        products = (found[:, None] @ generators).reshape(-1, 3, 3)
        for candidate in products:
            if (found - candidate).abs().amax((1, 2)).min() > 1e-6:
                found = torch.cat([found, candidate[None]])
    return found
