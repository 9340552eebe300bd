"""Diffusion loss of the outpainter, and the conditions, clean pictures and noise levels that it is computed from."""

import torch
from torch import Tensor, nn

from ...networks.outpainter import Outpainter, known_picture, make_condition
from ...render.fill import continued

Batch = dict[str, Tensor]

PURE_NOISE = 1 / 8  # fraction of the samples at the last noise level, where sampling starts
SEEN_WEIGHT, OUTSIDE_WEIGHT = 0.1, 0.02  # of pixels that the sampler pins anyway; painted pixels have weight 1
ALPHA_WEIGHT = 1.0  # of the alpha channel, relative to one colour channel
SQUARED_WEIGHT = 2.0  # of the squared error, relative to the absolute error


def mirrored(batch: Batch) -> Batch:
    """Horizontal flip of a batch of `OutpaintShard` samples; normals are flipped with the pictures."""
    flip = torch.tensor([-1.0, 1.0, 1.0]).view(3, 1, 1)
    pictures = {name: value.flip(-1) for name, value in batch.items() if value.ndim == 4}
    return {**batch, **pictures, "normals": pictures["normals"] * flip.to(batch["normals"])}


def condition_and_target(batch: Batch) -> tuple[Tensor, Tensor]:
    """-> `condition` [B,9,S,S] and the clean picture [B,4,S,S] in -1..1, which holds the values of pinned pixels."""
    layers = (batch[name] for name in ("seen", "masks", "depth", "normals", "focal"))
    condition = make_condition(continued(batch["images"], batch["seen"] > 0.5), *layers)
    picture, certain = known_picture(condition)
    return condition, torch.where(certain, picture, batch["truth"] * 2 - 1)


def noise_levels(count: int, levels: int, generator: torch.Generator) -> Tensor:
    """Noise levels [count] int64 in 0..levels-1, drawn in proportion to the level; one in eight is the last one."""
    drawn = (torch.rand(count, generator=generator).sqrt() * levels).long().clamp_max(levels - 1)
    return torch.where(torch.rand(count, generator=generator) < PURE_NOISE, levels - 1, drawn)


class DiffusionLoss(nn.Module):
    """Network and loss as one module, so that parallel training sees one forward pass."""

    def __init__(self, network: Outpainter) -> None:
        super().__init__()
        self.network = network

    def forward(self, condition: Tensor, clean: Tensor, noise: Tensor, t: Tensor) -> dict[str, Tensor]:
        """Loss terms, each a weighted mean over pixels; condition [B,9,S,S], clean and noise [B,4,S,S], t [B] int64."""
        predicted = self.network.denoise(self.network.noised(clean, noise, t), t, condition)
        weight = pixel_weights(condition)

        def mean(error: Tensor) -> Tensor:
            return (error.mean(1, keepdim=True) * weight).sum() / weight.sum()

        residual = predicted - clean
        color, alpha = residual[:, :3], residual[:, 3:]
        return {
            "color": mean(color.abs()) + SQUARED_WEIGHT * mean(color.square()),
            "alpha": ALPHA_WEIGHT / 3 * (mean(alpha.abs()) + SQUARED_WEIGHT * mean(alpha.square())),
        }


def pixel_weights(condition: Tensor) -> Tensor:
    """Loss weights of pixels, [B,1,S,S]: 1 where the view is to be painted, less on seen pixels and outside."""
    paint, silhouette = condition[:, 3:4], condition[:, 4:5]
    return paint + SEEN_WEIGHT * (silhouette - paint) + OUTSIDE_WEIGHT * (1 - silhouette)
