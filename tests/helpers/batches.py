"""A training batch of two pictures in which everything is known and nothing is the same for both."""

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE, QUERIES = 32, 20


def batch() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    amodal = torch.zeros(2, 1, SIDE, SIDE)
    amodal[0, :, 5:24, 8:30], amodal[1, :, 10:25, 3:15] = 1, 1  # four rows of the first are hidden
    occluder = torch.zeros(2, 1, SIDE, SIDE)
    occluder[0, :, 20:, :] = 1
    mask = amodal * (1 - occluder)
    intrinsics = torch.tensor([[40.0, 0, 15], [0, 42.0, 17], [0, 0, 1]]).repeat(2, 1, 1)
    intrinsics[1, 0, 0] = 60.0
    return {
        "image": torch.rand(2, 3, SIDE, SIDE, generator=generator),
        "mask": mask, "occluder": occluder, "amodal": amodal, "input_masks": torch.zeros(2, 2, SIDE, SIDE),
        "depth": (2 + torch.rand(2, 1, SIDE, SIDE, generator=generator)) * amodal,
        "thickness": torch.rand(2, 1, SIDE, SIDE, generator=generator) * amodal,
        "normals": F.normalize(torch.randn(2, 3, SIDE, SIDE, generator=generator), dim=1),
        "intrinsics": intrinsics,
        "points": torch.randn(2, QUERIES, 3, generator=generator) + torch.tensor([0, 0, 2.5]),
        "inside": (torch.rand(2, QUERIES, generator=generator) > 0.5).float(),
    }  # fmt: skip


def relief_of_thickness(true: dict[str, Tensor]) -> Tensor:
    """Relief from the first to the last surface [B,1,S,S], pixels."""
    return (1 + true["thickness"] / true["depth"].clamp_min(1e-3)).log() * true["intrinsics"][:, :1, :1, None]
