"""Losses of a field's fit: VolSDF's colour and eikonal losses, IDR's mask loss, and MonoSDF's cues and smoothness.

Yariv et al. 2021, section 3.4; Yariv et al. 2020, "IDR", equation 7; Yu et al. 2022, "MonoSDF", section 3.3. All are
means over rays, weighted by `trust`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...render.rays import RenderedRays
from .rays import PixelRays
from .sdf_grid.settings import FitWeights

WHOLE_PIXEL = 0.99  # mask from which a pixel shows nothing but the object
FLAT = 1e-8  # added to the variance of a view's depth
LEAST_SCALE = 0.25  # of the ratio of the spreads: where rendered depth runs against its cue, it has to turn
CREASE = 1e-2  # bend of the distance per cell below which smoothness counts squares


def fit_losses(
    rendered: RenderedRays,
    silhouette: Tensor,  # [R] logits of the objects' fraction of the pixels
    gradient: Tensor,  # [N,3] of the signed distance, at all samples
    rays: PixelRays,
    views: int,
    weights: FitWeights,
) -> Tensor:
    """The sum of all losses but smoothness, which needs no rays."""
    loss = weights.color * color_loss(rendered.color, rays) + weights.mask * mask_loss(silhouette, rays)
    loss = loss + weights.eikonal * eikonal_loss(gradient)
    if weights.depth > 0 and bool(rays.depth_known.any()):
        loss = loss + weights.depth * depth_loss(rendered.distance * rays.cos_axis, rays, views)
    if weights.normal > 0 and bool((rays.normals != 0).any()):
        loss = loss + weights.normal * normal_loss(rendered.normal, rays)
    return loss


def color_loss(color: Tensor, rays: PixelRays) -> Tensor:
    """L1 of colours [R,3], rendered over the picture's own background."""
    return _mean((color - rays.colors).abs().mean(-1), rays.trust)


def mask_loss(silhouette: Tensor, rays: PixelRays) -> Tensor:
    """Cross-entropy of the logits [R] and masks; rays that meet the object where the mask is whole are done."""
    entropy = F.binary_cross_entropy_with_logits(silhouette, rays.mask, reduction="none")
    done = (silhouette > 0) & (rays.mask > WHOLE_PIXEL)
    return _mean(torch.where(done, 0.0, entropy), rays.trust)


def eikonal_loss(gradient: Tensor) -> Tensor:
    """Squared difference of gradient lengths [N,3] from 1 (Gropp et al. 2020)."""
    return (gradient.norm(dim=-1) - 1).square().mean()


def depth_loss(depth: Tensor, rays: PixelRays, views: int) -> Tensor:
    """MonoSDF's scale- and shift-invariant loss of z-depths [R] (equation 10): half the mean squared difference.

    Scale and shift are the best for each view by itself: cues of several views have nothing in common.
    """
    weight = rays.depth_known * rays.trust
    one = weight.new_zeros(views).index_add(0, rays.view, weight).clamp_min(1e-6)

    def view_mean(values: Tensor) -> Tensor:
        return torch.zeros_like(one).index_add(0, rays.view, values * weight) / one

    z = depth - view_mean(depth)[rays.view]
    cue = rays.depth - view_mean(rays.depth)[rays.view]
    variance = view_mean(z.square()) + FLAT
    # a bound and no function of the shape: the root has no slope where a view has no depth at all
    least = LEAST_SCALE * (view_mean(cue.square()) / variance.detach()).sqrt()
    scale = torch.maximum(view_mean(z * cue) / variance, least)
    return _mean((scale[rays.view] * z - cue).square() / 2, weight)


def normal_loss(normal: Tensor, rays: PixelRays) -> Tensor:
    """L1 and angular difference of normals [R,3] (equation 11), where the view has any."""
    known = (rays.normals != 0).any(-1).float()
    unit = F.normalize(normal, dim=-1)
    difference = (unit - rays.normals).abs().sum(-1) + (1 - (unit * rays.normals).sum(-1))
    return _mean(difference, known * rays.trust)


def smoothness_loss(values: Tensor, neighbours: Tensor, spacing: float) -> Tensor:
    """Bend of the distance at K nodes [K] from the mean of its 6 neighbours [K,6], in spacings.

    Stands for MonoSDF's difference of neighbouring normals. Linear for sharp bends, so that edges may stay.
    """
    bend = (neighbours.mean(-1) - values) / spacing
    return (bend.square() + CREASE**2).sqrt().mean()


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over rays [R]; 0 without any weight."""
    return (values * weight).sum() / weight.sum().clamp_min(1e-6)
