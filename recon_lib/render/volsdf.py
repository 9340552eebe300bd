"""Rays through VolSDF's perceptrons, sampled and blended as the paper does."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..networks.volsdf.perceptron import VolSDF
from ..progress import unchecked
from .error_bounded import ErrorBoundedSampler
from .volume import interval_weights, rectangle_depths

RAYS_AT_ONCE = 512


@dataclass(frozen=True)
class RenderedRays:
    """What R rays show."""

    color: Tensor  # [R,3] 0-1, over `behind`
    opacity: Tensor  # [R] 0-1
    distance: Tensor  # [R] mean distance along the ray, world units
    normal: Tensor  # [R,3] blended unit normals, world
    t: Tensor  # [R,S] where the samples lie
    slope: Tensor  # [R,S,3] gradients of the signed distance there


def render_rays(
    network: VolSDF,
    origins: Tensor,  # [R,3]
    directions: Tensor,  # [R,3] unit
    behind: Tensor | float = 0.0,  # [R,3] or a grey value
    sampler: ErrorBoundedSampler | None = None,
    generator: torch.Generator | None = None,
    far: float | None = None,
) -> RenderedRays:
    """Colour, opacity, depth and normal of rays; differentiable where gradients are enabled.

    With a generator the samples are drawn at random, as in training. `far` defaults to the scene's diameter.
    """
    far = 2 * network.config.scene_radius if far is None else far
    beta = network.density()
    t = (sampler or ErrorBoundedSampler())(origins, directions, network.distance, beta.detach(), far, generator)
    points = (origins[:, None] + t[..., None] * directions[:, None]).reshape(-1, 3)
    distance, slope, feature = network.distance_and_slope(points)
    toward = directions[:, None].expand(*t.shape, 3).reshape(-1, 3)
    color = network.color(points, slope, toward, feature).view(*t.shape, 3)
    slope = slope.view(*t.shape, 3)
    weights, passed = interval_weights(rectangle_depths(distance.view(t.shape), t, beta))
    normal = (weights[..., None] * F.normalize(slope, dim=-1)).sum(1)
    shown = (weights[..., None] * color).sum(1) + passed[:, None] * behind
    along = (weights * t).sum(-1) / weights.sum(-1).clamp_min(1e-6)
    return RenderedRays(shown, 1 - passed, along, normal, t, slope)


@torch.no_grad()
def render_network(
    network: VolSDF,
    cameras: Cameras,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    check: Callable[[], None] = unchecked,
) -> Tensor:
    """Pictures [V,3,H,W] of the network in its own world frame."""
    origins, directions = (x.reshape(-1, 3) for x in cameras.rays())
    behind = origins.new_tensor(background)
    colors = []
    for o, d in zip(origins.split(RAYS_AT_ONCE), directions.split(RAYS_AT_ONCE), strict=True):
        check()
        colors.append(render_rays(network, o, d, behind.expand_as(o)).color)
    return torch.cat(colors).view(len(cameras), cameras.height, cameras.width, 3).permute(0, 3, 1, 2)
