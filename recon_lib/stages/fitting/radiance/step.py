"""The loss of some rays: they are rendered, compared with their pixels, and regularised."""

import torch
from torch import Tensor

from ....fields.radiance import RadianceGrid
from ....render.gradient_scale import depth_scale
from ....render.proposal import Proposal, ProposalSampler
from ....render.rays import RaySamples, SampleRadiance, composite, sample_radiance
from ....render.stratified import box_ends
from .fitted import FittedRadiance
from .losses import charbonnier_loss, distortion_loss, interlevel_loss, occlusion_loss, opacity_loss, ranking_loss
from .rays import RadianceRays

NEAR_PART = 0.1  # of a ray's way through the bounds that counts as right before the camera


def rays_loss(fitted: FittedRadiance, rays: RadianceRays, generator: torch.Generator, paired: bool) -> Tensor:
    """The sum of all losses of rays. paired: the second half of them are the partners of the first half."""
    settings, sampler, weights = fitted.settings, fitted.sampler, fitted.settings.weights
    proposal = sampler.propose(rays, generator) if isinstance(sampler, ProposalSampler) else None
    samples = sampler(fitted.field, rays, generator) if proposal is None else proposal.samples
    learning = depth_scale(samples.t, rays.distance) if settings.gradient_scaling else None
    radiance = sample_radiance(fitted.field, rays, samples, learning)
    rendered = composite(radiance, samples)
    behind, truth = backgrounds(rays, generator, settings.random_background and not fitted.field.frame.contracted)
    color = fitted.exposed(rendered.color, rays.view) + radiance.passed[:, None] * behind
    loss = charbonnier_loss(color, truth, rays.trust)
    loss = loss + weights.mask * opacity_loss(rendered.opacity, rays.mask, rays.trust)
    middle, length = normalised(fitted.field, rays, samples, proposal)
    if weights.distortion > 0:
        loss = loss + weights.distortion * distortion_loss(radiance.weights, middle, length)
    if weights.occlusion > 0:
        loss = loss + weights.occlusion * occlusion_loss(radiance.weights, middle < NEAR_PART)
    if paired:
        first, second = torch.arange(len(rays)).chunk(2)
        loss = loss + weights.ranking * pair_loss(rendered.distance, rays, first, second)
    if proposal is not None:
        loss = loss + weights.interlevel * _proposal_loss(proposal, radiance)
    return loss


def backgrounds(rays: RadianceRays, generator: torch.Generator, at_random: bool) -> tuple[Tensor, Tensor]:
    """Colours [R,3] behind the object, and those [R,3] of the pixels before them.

    at_random: each ray has another, as Instant NGP trains on pictures with transparency (Müller et al. 2022): before
    one background, paint of its colour would be as good as nothing, and rims take it on.
    """
    if not at_random:
        return rays.background, rays.colors
    behind = torch.rand(rays.background.shape, generator=generator)
    return behind, rays.colors + (1 - rays.mask[:, None]) * (behind - rays.background)


def normalised(
    field: RadianceGrid, rays: RadianceRays, samples: RaySamples, proposal: Proposal | None
) -> tuple[Tensor, Tensor]:
    """Middles and lengths of the samples [R,S] where a ray's way through the bounds is 1 long."""
    if proposal is not None:
        return (proposal.fine[:, 1:] + proposal.fine[:, :-1]) / 2, proposal.fine[:, 1:] - proposal.fine[:, :-1]
    start, end = box_ends(rays, field.bounds)
    way = (end - start).clamp_min(1e-6)[:, None]
    return (samples.t - start[:, None]) / way, samples.length / way


def pair_loss(distance: Tensor, rays: RadianceRays, first: Tensor, second: Tensor) -> Tensor:
    """`ranking_loss` of pairs of rays, by their numbers [P], where both have depth."""
    pairs = torch.stack([first, second], -1)
    z = (distance * rays.cos_axis)[pairs]
    return ranking_loss(z, rays.depth[pairs], rays.depth_known[pairs].prod(-1))


def _proposal_loss(proposal: Proposal, radiance: SampleRadiance) -> Tensor:
    return interlevel_loss(proposal.fine, radiance.weights, proposal.coarse, proposal.weights)
