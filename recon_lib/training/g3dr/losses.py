"""Losses of G3DR: of the picture's own view, and of views from beside it (Reddy et al., CVPR 2024, section 3.3).

The published network renders whole pictures, and every ray should end in them; this one knows objects, so that rays end
where the mask says so, and from beside end wholly or not at all.

The embedded weights are trained with one term that goes beyond the paper, which learns from single views alone: points
that are known to lie in or out of the object (`occupancy`). The paper's ablations are run without.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...fields.triplane import TriplaneField, box_bounds
from ...networks.g3dr.frame import CameraBox
from ...networks.g3dr.mini import G3drMini
from ...networks.g3dr.triplanes import KnotPlanes
from ...render.gradient_scale import depth_scale
from ...render.rays import RayBundle, RenderedRays, composite, sample_radiance
from .features import PictureDistances
from .samples import NEAR_DEPTH, BoxSampler
from .views import Target

Batch = dict[str, Tensor]
AROUND_DEPTH = 0.4  # fraction of canonical renders whose finer samples lie around the depth
SHARPNESS = 3.0  # of density, beside the odds of occupancy
SURE = 0.5  # opacity from which a pixel counts in the smoothness of depth


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms, chosen so that none dominates the gradients.

    The paper's are 1 for colour, 2 for depth, 0.175 and 0.35 for the semantic terms, 0.1 for smoothness, and 1 and 2
    for the perceptual ones, which are LPIPS there: distances of EfficientNet's maps pull several times as hard.
    """

    color: float = 1.0
    depth: float = 2.0
    mask: float = 1.0
    perceptual: float = 0.3  # of the canonical view, in the second half of the run
    semantic: float = 0.175  # the same
    novel_perceptual: float = 0.5
    novel_semantic: float = 0.35
    smoothness: float = 0.1
    occupancy: float = 2.0  # beyond the paper
    opacity: float = 0.5  # times a ramp that ends with the first half of the run


@dataclass(frozen=True)
class RenderedBatch:
    """Pictures of B objects."""

    color: Tensor  # [B,3,R,R]
    opacity: Tensor  # [B,1,R,R]
    depth: Tensor  # [B,1,R,R] mean z-depth, half sides of the box


class LossTerms(nn.Module):
    """A batch and its target, of the first `rendered` samples (None: all) -> the terms of `total`."""

    def __init__(
        self,
        network: G3drMini,
        distances: PictureDistances,
        samples: tuple[int, int],
        gradient_scaling: bool,
        occupancy: bool = False,
        rendered: int | None = None,
    ) -> None:
        super().__init__()
        self.network, self.distances = network, distances
        self.samples, self.gradient_scaling = samples, gradient_scaling
        self.occupancy, self.rendered = occupancy, rendered

    def forward(
        self, batch: Batch, target: Target, novel: bool, done: float, generator: torch.Generator
    ) -> dict[str, Tensor]:
        box = CameraBox.of(batch["intrinsics"], batch["depth"], batch["given_mask"])
        fields = fields_of(self.network, batch, box)
        rendered = self.render(fields[: self.rendered], box, target, not novel, generator)
        terms = self.novel_terms(rendered, target) if novel else self.canonical_terms(rendered, target, box, done)
        return {**terms, "occupancy": occupancy_loss(fields, batch)} if self.occupancy else terms

    def canonical_terms(
        self, rendered: RenderedBatch, target: Target, box: CameraBox, done: float
    ) -> dict[str, Tensor]:
        """L1 of colours, of depth where it is known, of opacity; in the run's second half pictures as wholes."""
        known = (target.depth > 0).to(rendered.depth)
        error = (rendered.depth - target.depth / box.half[: len(known), None, None, None]).abs() * known
        terms = {
            "color": (rendered.color - target.image).abs().mean(),
            "depth": error.clamp_max(1.0).sum() / known.numel(),
            "mask": (rendered.opacity - target.mask).abs().mean(),
        }
        if done >= 0.5:
            terms["perceptual"], terms["semantic"] = self.distances.canonical(rendered.color, target.image)
        return terms

    def novel_terms(self, rendered: RenderedBatch, target: Target) -> dict[str, Tensor]:
        """Likeness to the picture by late features; smooth depth; rays that end wholly or not at all."""
        perceptual, semantic = self.distances.novel(rendered.color, target.image)
        o = rendered.opacity
        return {
            "novel_perceptual": perceptual,
            "novel_semantic": semantic,
            "smoothness": total_variation(rendered.depth, o.detach() > SURE),
            "opacity": (o * (1 - o)).mean(),
        }

    def render(
        self,
        fields: list[TriplaneField],
        box: CameraBox,
        target: Target,
        canonical: bool,
        generator: torch.Generator | None,
    ) -> RenderedBatch:
        """Render each field from its camera; gradients are scaled by the depth in the canonical view alone."""
        cameras = target.cameras
        origins, directions = (x.flatten(1, 2) for x in cameras.rays())
        cos_axis = (directions * cameras.rotation[:, None, :, 2]).sum(-1)
        along = target.depth.flatten(1) / cos_axis  # the depth's distance on the ray; 0 stays 0
        near = canonical and generator is not None and float(torch.rand((), generator=generator)) < AROUND_DEPTH
        parts = []
        for i, field in enumerate(fields):
            rays, half = RayBundle(origins[i], directions[i]), float(box.half[i])
            sampler = BoxSampler(*self.samples, along[i] if near else None, NEAR_DEPTH * half)
            samples = sampler(field, rays, generator)
            scale = None
            if canonical and self.gradient_scaling:
                scale = depth_scale(samples.t / half, along[i] / half)
            rendered = composite(sample_radiance(field, rays, samples, scale), samples, 1.0)
            parts.append(_picture(rendered, cos_axis[i] / half, cameras.height))
        return RenderedBatch(*(torch.stack(values) for values in zip(*parts, strict=True)))


def fields_of(network: G3drMini, batch: Batch, box: CameraBox) -> list[TriplaneField]:
    """The fields of a batch, in the frames of its cameras; differentiable in the network."""
    planes = network.planes(batch["image"], batch["given_mask"], box.relief(batch["depth"] * batch["given_mask"]))
    knots = KnotPlanes.of(network.decoder.on_planes(planes), network.config.axes, network.config.levels)
    fields = []
    for i, own in enumerate(knots.each()):
        scale = network.config.density_scale / float(box.half[i])
        level = scale * 0.5
        bounds = box_bounds(box.matrix[i])
        fields.append(TriplaneField(network.decoder, own, box.matrix[i], bounds, scale, level))
    return fields


def occupancy_loss(fields: list[TriplaneField], batch: Batch) -> Tensor:
    """Cross-entropy of points [B,Q,3] being in or out; the odds are the root `SHARPNESS` of density over the surface's.

    With the ratio itself as odds, doubt of one in a hundred would be a fog that hides a fifth of what lies behind.
    """
    logits = torch.stack([field.log_ratio(points) for field, points in zip(fields, batch["points"], strict=True)])
    in_box = logits.isfinite()
    loss = F.binary_cross_entropy_with_logits(logits[in_box] / SHARPNESS, batch["inside"][in_box], reduction="sum")
    return loss / in_box.sum().clamp_min(1)


def total_variation(depth: Tensor, sure: Tensor) -> Tensor:
    """Mean absolute difference of neighbours in depth [B,1,R,R], where both are sure [B,1,R,R]."""
    total = depth.new_zeros(())
    for axis in (-1, -2):
        length = depth.shape[axis] - 1
        both = sure.narrow(axis, 0, length) & sure.narrow(axis, 1, length)
        total = total + (depth.diff(dim=axis).abs() * both).mean()
    return total


def total(terms: dict[str, Tensor], weights: LossWeights, done: float) -> Tensor:
    """Weighted sum of the terms; the opacity's weight grows over the first half of the run."""
    ramp = {"opacity": min(1.0, 2 * done)}
    return torch.stack([getattr(weights, name) * ramp.get(name, 1.0) * term for name, term in terms.items()]).sum()


def _picture(rendered: RenderedRays, depth_factor: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Colour, opacity and depth as [C,R,R]."""
    depth = rendered.distance * depth_factor
    return (
        rendered.color.mT.view(3, side, side),
        rendered.opacity.view(1, side, side),
        depth.view(1, side, side),
    )
