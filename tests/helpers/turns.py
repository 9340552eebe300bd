"""Rotations that tests ask for by axis and angle."""

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor


def rotation_about(axis: tuple[float, float, float], degrees: float) -> Tensor:
    """Right-handed rotation by `degrees` about `axis` (any length but zero): [3,3] float64."""
    direction = torch.nn.functional.normalize(torch.tensor(axis, dtype=torch.float64), dim=0)
    return torch.from_numpy(Rotation.from_rotvec(degrees * direction.numpy(), degrees=True).as_matrix())
