"""Volume rendering of rays: a sampler lays samples, a field answers there, and what it answers is composited.

`render_rays` serves every radiance field and is differentiable in what the field answers. A fit that renders the same
samples many times calls `composite` with what it has read of them itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..check import check_shape
from ..fields.field import ConeField, Radiance, RadianceField, radiance_of
from ..progress import unchecked
from .gradient_scale import scale_gradient
from .volume import composite_rays, interval_weights, merge_weights

ENDLESS = 1e10  # length of a last segment that lets nothing pass
RAGGED = 0.9  # fraction of samples above which asking for a little padding too is cheaper than sorting it out
FAINT = 1e-4  # sum of weights below which a ray's means fade to 0
RowsT = TypeVar("RowsT", bound="_Rows")
FieldT = TypeVar("FieldT", bound=RadianceField, contravariant=True)


class _Rows:
    """A dataclass of tensors with one row for each ray."""

    def __getitem__(self: RowsT, rows: Tensor | slice) -> RowsT:
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self: RowsT, device: torch.device | str) -> RowsT:
        """The same on `device`."""
        return type(self)(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


@dataclass(frozen=True)
class RayBundle(_Rows):
    """R rays in the field's frame."""

    origins: Tensor  # [R,3] world
    directions: Tensor  # [R,3] unit, world

    def __len__(self) -> int:
        return len(self.origins)

    def at(self, t: Tensor) -> Tensor:
        """Points [R,S,3], or [R,3], at distances t [R,S], or [R], along the rays."""
        shape = (len(t), *[1] * (t.ndim - 1), 3)
        return self.origins.view(shape) + t[..., None] * self.directions.view(shape)


@dataclass(frozen=True)
class RaySamples(_Rows):
    """S samples on each of R rays. A sample of length 0 is padding and shows nothing."""

    t: Tensor  # [R,S] distances along the rays, ascending, world units
    length: Tensor  # [R,S] >= 0, of the segment that each sample stands for, world units

    @classmethod
    def before_opaque(cls, t: Tensor, opaque: Tensor | None = None) -> "RaySamples":
        """Segments that reach to the next sample; the last is endless (where `opaque` [R], if given), else empty."""
        last = torch.full_like(t[:, :1], ENDLESS)
        if opaque is not None:
            last = torch.where(opaque[:, None], last, 0.0)
        return cls(t, torch.cat([t[:, 1:] - t[:, :-1], last], -1))


class RaySampler(Protocol[FieldT]):
    """Chooses the samples of rays at which a field is asked."""

    def __call__(self, field: FieldT, rays: RayBundle, generator: torch.Generator | None = None) -> RaySamples:
        """Samples without gradients: at random with a generator, as for training; else the same every time."""
        ...


@dataclass(frozen=True)
class SampleRadiance:
    """What a field answers at S samples of R rays; colour and normal at C of them may do."""

    weights: Tensor  # [R,S] fraction of the ray that ends at each sample
    passed: Tensor  # [R] fraction that passes all of them
    color: Tensor  # [R,C,3] sRGB 0-1
    normal: Tensor | None = None  # [R,C,3] unit, world
    shaded: tuple[int, int] | None = None  # the C samples, from and up to; they take over the weights beside them


@dataclass(frozen=True)
class RenderedRays:
    """R rendered rays. Means are over what the ray meets, and fade to 0 where it meets next to nothing."""

    color: Tensor  # [R,3] sRGB 0-1, over the background
    opacity: Tensor  # [R] 0-1
    distance: Tensor  # [R] mean distance along the ray, world units
    normal: Tensor | None  # [R,3] mean of the unit normals, world
    weights: Tensor  # [R,C] fraction of the ray that each shaded sample shows; the opacity in sum
    t: Tensor  # [R,C] where these lie


def render_rays(
    field: FieldT,
    sampler: RaySampler[FieldT],
    rays: RayBundle,
    background: Tensor | float = 0.0,  # [R,3] or [3] sRGB, or a grey value
    generator: torch.Generator | None = None,  # the sampler's
) -> RenderedRays:
    """Render rays by the volume rendering integral (Max 1995; Mildenhall et al. 2020, equation 3)."""
    check_shape("ray origins", rays.origins, "R", 3)
    check_shape("ray directions", rays.directions, len(rays), 3)
    samples = sampler(field, rays, generator)
    return composite(sample_radiance(field, rays, samples), samples, background)


def sample_radiance(
    field: RadianceField,
    rays: RayBundle,
    samples: RaySamples,
    learning: Tensor | None = None,  # [R,S] factors of the gradients that reach density and colour, see `depth_scale`
) -> SampleRadiance:
    """Ask a field at all samples, but for padding where there is much of it.

    The density is constant in each sample's segment.
    """
    solid = samples.length > 0
    count = int(solid.sum())
    ragged = count < RAGGED * solid.numel()
    if not count:
        solid[:1, :1] = True  # no field has to answer about no point
    radiance = _asked(field, rays, samples, solid.reshape(-1) if ragged else slice(None))

    def layer(values: Tensor) -> Tensor:
        if not ragged:
            return values.reshape(*samples.t.shape, *values.shape[1:])
        padded = values.new_zeros(*samples.t.shape, *values.shape[1:])
        padded[solid] = values
        return padded

    density, color = layer(radiance.density), layer(radiance.color)
    if learning is not None:
        density, color = scale_gradient(density, learning), scale_gradient(color, learning[..., None])
    weights, passed = interval_weights(samples.length * density)
    normal = None if radiance.gradient is None else F.normalize(layer(radiance.gradient), dim=-1)
    return SampleRadiance(weights, passed, color, normal)


def _asked(field: RadianceField, rays: RayBundle, samples: RaySamples, rows: Tensor | slice) -> Radiance:
    """What a field answers at those rows of the R*S samples, asked with the cones of the rays where both have any."""
    cones = getattr(rays, "cones", None)
    if cones is not None and isinstance(field, ConeField):
        return field.cone_radiance(cones(samples, field.multisamples)[rows])
    points, directions = rays.at(samples.t), rays.directions[:, None].expand(*samples.t.shape, 3)
    return radiance_of(field, points.reshape(-1, 3)[rows], directions.reshape(-1, 3)[rows])


def composite(
    radiance: SampleRadiance,
    samples: RaySamples,
    background: Tensor | float = 0.0,  # as for `render_rays`
    opacity: Tensor | None = None,  # [R] 0-1, of a mask: it replaces the field's own
) -> RenderedRays:
    """Blend samples, front to back, over the background."""
    weights, t = radiance.weights, samples.t
    if radiance.shaded is not None:
        weights, t = merge_weights(weights, *radiance.shaded), t[:, slice(*radiance.shaded)]
    means = weights / weights.sum(-1, keepdim=True).clamp_min(FAINT)
    if opacity is None:
        passed, opacity = radiance.passed, 1 - radiance.passed
    else:
        passed, weights = 1 - opacity, means * opacity[:, None]
    color = composite_rays(weights, radiance.color, passed, background)
    normal = None if radiance.normal is None else (means[..., None] * radiance.normal).sum(1)
    return RenderedRays(color, opacity, (means * t).sum(-1), normal, weights, t)


@torch.no_grad()
def render_image(
    field: FieldT,
    sampler: RaySampler[FieldT],
    cameras: Cameras,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    chunk: int = 512,  # rays at once
    check: Callable[[], None] = unchecked,
) -> Tensor:
    """Pictures [V,3,H,W] of a radiance field."""
    rays = RayBundle(*(x.reshape(-1, 3) for x in cameras.rays()))
    color = rays.origins.new_tensor(background)
    colors = []
    for begin in range(0, len(rays), chunk):
        check()
        colors.append(render_rays(field, sampler, rays[begin : begin + chunk], color).color)
    return torch.cat(colors).view(len(cameras), cameras.height, cameras.width, 3).permute(0, 3, 1, 2)
