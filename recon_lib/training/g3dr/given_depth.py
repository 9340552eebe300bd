"""Depth as wrong as it is when the network is used, and objects bent so that it is right.

At use the depth is the pack's own or another network's. An object whose visible surface is moved along the rays to
where such a depth has it, and what lies behind along with it, is another object of which that depth is true: the
network learns to begin at the depth that it is given, whatever its errors.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from ...networks.zeroshape_w.mini_backbone import MiniBackbone, depth_from_relief
from ..weight_files import load_part

PREDICTED = 0.5  # fraction of samples with depth as ZeroShape-W predicts it
STRETCH = 0.12  # standard deviation of the logarithm of the factor that the others' relief is multiplied by


class GivenDepth(nn.Module):
    """Batches with depth as ZeroShape-W's backbone predicts it, or deepened or flattened a little. Frozen."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.backbone = MiniBackbone()
        load_part(self.backbone, "dpt_depth", weights)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "GivenDepth":
        """A frozen network stays in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """The batch with other depth and with points moved along."""
        true, count = batch["depth"], len(batch["depth"])
        depth = stretched(true, (STRETCH * torch.randn(count, generator=generator)).exp().to(true))
        chosen = (torch.rand(count, generator=generator) < PREDICTED).to(true.device)
        if chosen.any():
            depth[chosen] = matched(
                self._predicted({name: value[chosen] for name, value in batch.items()}), true[chosen]
            )
        return bent(batch, depth)

    def _predicted(self, batch: dict[str, Tensor]) -> Tensor:
        mask = batch["given_mask"]
        relief = self.backbone(batch["image"], torch.cat([mask, torch.zeros_like(mask)], 1)).depth
        return depth_from_relief(relief, batch["intrinsics"][:, 0, 0] / mask.shape[-1])


def stretched(depth: Tensor, factor: Tensor) -> Tensor:
    """z-depth [B,1,S,S] (0 = none) whose ratio to its geometric mean is raised to factors [B]."""
    logarithm, mean = _logarithm(depth)
    return torch.where(depth > 0, (mean + factor[:, None, None, None] * (logarithm - mean)).exp(), 0.0)


def matched(guessed: Tensor, depth: Tensor) -> Tensor:
    """Depth of any scale [B,1,S,S] with the geometric mean of another, and where that is known: > 0."""
    ratio = torch.where(depth > 0, depth / guessed, 0.0)
    return torch.where(depth > 0, guessed * _logarithm(ratio)[1].exp(), 0.0)


def bent(batch: dict[str, Tensor], depth: Tensor) -> dict[str, Tensor]:
    """The batch with another depth where it has one, its points moved along their rays in the same ratio."""
    ratio = torch.where(batch["depth"] > 0, depth / batch["depth"].clamp_min(1e-6), 1.0)
    points, size = batch["points"], ratio.shape[-1]
    projected = points @ batch["intrinsics"].mT
    pixel = (projected[..., :2] / projected[..., 2:].clamp_min(1e-6)).floor().clamp(0, size - 1).long()
    at = pixel[..., 1] * size + pixel[..., 0]
    return {**batch, "depth": depth, "points": points * ratio.flatten(1).gather(1, at)[..., None]}


def _logarithm(values: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of values [B,1,S,S] where they are > 0, else 0, and their means there [B,1,1,1]."""
    known = values > 0
    logarithm = torch.where(known, values, 1.0).log()
    return logarithm, logarithm.sum((1, 2, 3), keepdim=True) / known.sum((1, 2, 3), keepdim=True).clamp_min(1)
