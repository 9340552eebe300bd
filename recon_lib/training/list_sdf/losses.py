"""Losses of LIST's mini model: coarse points, view, occupancy grid, signed distance."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...networks.list_sdf.mini import EncodedPicture, ListMini
from ...networks.list_sdf.occupancy import nearest_nodes
from ...networks.list_sdf.sampling import project

Batch = dict[str, Tensor]
POSITIVE = 0.9  # weight of occupied nodes in the cross-entropy of the grid, empty ones have the rest (LIST, eq. 4)
SIGN_SLOPE = 8.0  # of the logit of being inside, per unit of the decoder's answer
SURE = 0.03  # object sides from the surface at which the sign of a distance counts in full


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms."""

    chamfer: float = 5.0
    up: float = 1.0
    position: float = 5.0
    lens: float = 0.1
    occupancy: float = 1.0
    distance: float = 2.0
    sign: float = 0.5


def chamfer(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean distance from each point of either cloud [B,P,3], [B,T,3] to the nearest of the other, summed both ways."""
    with torch.no_grad():  # which is nearest; the gradient is that of the distance to it
        squares = true.square().sum(-1)[:, None] - 2 * torch.einsum("bpi,bti->bpt", predicted, true)
        nearest_true = squares.argmin(2)
        nearest_predicted = (squares + predicted.square().sum(-1)[:, :, None]).argmin(1)
    there = _rows(true, nearest_true) - predicted
    back = _rows(predicted, nearest_predicted) - true
    return sum((d.square().sum(-1) + 1e-8).sqrt().mean() for d in (there, back))


def _rows(points: Tensor, index: Tensor) -> Tensor:
    """Rows [B,N,3] of points [B,P,3] at indices [B,N]."""
    return points.gather(1, index[..., None].expand(-1, -1, 3))


def distance_loss(answers: Tensor, distance: Tensor, scale: float) -> Tensor:
    """L1 between answers [B,N] and scaled distances clamped to -1..1 (Park et al., "DeepSDF", 2019, eq. 4).

    Where the truth is clamped, answers beyond it are right, and others are drawn to it from any distance.
    """
    target = (distance * scale).clamp(-1, 1)
    beyond = (target.abs() >= 1).to(answers)
    near = (answers - target).abs()
    return torch.where(beyond > 0, F.relu(1 - answers * target.sign()), near).mean()


def coarse_losses(encoded: EncodedPicture, batch: Batch) -> Batch:
    """Terms of the first stage: coarse points and view.

    LIST leaves its spatial transformer untaught; here it is told where queries show, which training data know.
    """
    view = encoded.view
    return {
        "chamfer": chamfer(encoded.points, batch["surface"]),
        "up": ((view.up - batch["up"]).square().sum(-1) + 1e-6).sqrt().mean(),  # not its square: few hang upside down
        "position": (project(batch["points"], view.matrix) - batch["position"]).abs().clamp_max(1).mean(),
        "lens": (view.convergence.log() - batch["convergence"].log()).abs().mean(),
    }


def shape_losses(network: ListMini, encoded: EncodedPicture, batch: Batch) -> Batch:
    """Terms of the second stage: occupancy grid and signed distance."""
    config, terms = network.config, {}
    if encoded.grid is not None:
        target = nearest_nodes(batch["surface"], config.grid, config.half)
        weight = torch.where(target > 0, POSITIVE, 1 - POSITIVE)
        terms["occupancy"] = F.binary_cross_entropy_with_logits(encoded.grid.logits, target, weight)
    answers = network.distance(batch["points"], encoded)
    terms["distance"] = distance_loss(answers, batch["distance"], config.sdf_scale)
    terms["sign"] = sign_loss(answers, batch["distance"])
    return terms


def sign_loss(answers: Tensor, distance: Tensor) -> Tensor:
    """Cross-entropy of being inside, of answers and distances, [B,N] each; close to the surface it counts less.

    Most of LIST's points lie nearer to the surface than the network can tell: there the sign is a coin's, and as many
    coins drown what the others teach.
    """
    weight = (distance.abs() / SURE).clamp_max(1)
    entropy = F.binary_cross_entropy_with_logits(-SIGN_SLOPE * answers, (distance < 0).to(answers), reduction="none")
    return (weight * entropy).sum() / weight.sum().clamp_min(1e-6)


class LossTerms(nn.Module):
    """Network and losses as one module, so that accelerate can distribute it over processes."""

    def __init__(self, network: ListMini) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch, coarse_only: bool = False) -> Batch:
        encoded = self.network.encode(batch["image"], batch["masks"])
        terms = coarse_losses(encoded, batch)
        return terms if coarse_only else terms | shape_losses(self.network, encoded, batch)


def total(terms: Batch, weights: LossWeights) -> Tensor:
    """Weighted sum of the loss terms."""
    return torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
