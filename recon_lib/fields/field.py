"""Contracts of fields: solids that answer how far inside a point lies, and radiance fields that rays can see."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Field(Protocol):
    """A solid in the world frame (see `cameras.camera`), possibly coloured.

    Fields are immutable once they travel on a socket; they keep their tensors on the CPU between stages and
    compute on `device`.

    A field may say with `min_feature_size` how thin its parts can be, world units, where it knows: extraction then
    looks for nothing thinner. With `observed(points [N,3]) -> [N] bool` it may say which points a picture shows. With
    `bumps` a fit says how long the bumps are, world units, that it leaves where pictures are plain: extraction removes
    them.
    """

    bounds: Tensor  # [2,3] lower and upper corner, world units: nothing is inside beyond them
    has_color: bool

    def inside(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N] float32: > 0 inside, 0 on the surface, < 0 outside.

        The value should grow roughly linearly near the surface (a distance, a logit, a density minus its
        level), since the extractor interpolates it.
        """

    def color(self, points: Tensor, directions: Tensor | None = None) -> Tensor:
        """points [N,3], optional view directions [N,3] unit -> [N,3] sRGB 0-1. Only when `has_color`."""


@runtime_checkable
class InterpolableField(Field, Protocol):
    """A field that need not be asked more finely than its costly part knows."""

    detail: float  # world units: that part holds nothing finer
    asked: int  # points that it was asked since the field was `interpolated`

    def interpolated(self, lower: Tensor, step: Tensor, cells: Tensor) -> "InterpolableField":
        """The same, its costly part asked at the nodes of a lattice alone, for one extraction.

        lower, step, cells [3]: see `interpolated.InterpolatedValues`.
        """


@runtime_checkable
class RadianceField(Field, Protocol):
    """A field that volume rendering can see (Mildenhall et al. 2020, "NeRF"): density and colour everywhere.

    A field whose density, colour and gradient share their work may offer `radiance(points, directions) -> Radiance`,
    which `radiance_of` then prefers.
    """

    def density(self, points: Tensor) -> Tensor:
        """points [N,3] world -> [N] >= 0, absorption per world unit."""


@runtime_checkable
class DistanceField(RadianceField, Protocol):
    """A radiance field whose `inside` is minus the signed distance, world units, and whose density VolSDF's."""

    beta: Tensor | float  # width of the density, world units


@dataclass(frozen=True)
class Radiance:
    """What a radiance field answers at N points."""

    density: Tensor  # [N] per world unit
    color: Tensor  # [N,3] sRGB 0-1
    gradient: Tensor | None = None  # [N,3] of the signed distance, where the field has one: it points outward


@dataclass(frozen=True)
class Cones:
    """N samples of the cones that pixels see, each as K Gaussians that are alike in all directions."""

    points: Tensor  # [N,K,3] world, their means
    widths: Tensor  # [N,K] their standard deviations, world units
    directions: Tensor  # [N,3] unit, of the view; 0: from nowhere in particular

    def __getitem__(self, rows: Tensor | slice) -> "Cones":
        return Cones(self.points[rows], self.widths[rows], self.directions[rows])


@runtime_checkable
class ConeField(RadianceField, Protocol):
    """A radiance field that knows how coarsely it is looked at (Barron et al. 2021, "Mip-NeRF")."""

    multisamples: int  # K that it wants to be asked with, 1 or 6

    def cone_radiance(self, cones: Cones) -> Radiance:
        """Mean density and colour of each sample, differentiable."""


def radiance_of(field: RadianceField, points: Tensor, directions: Tensor) -> Radiance:
    """Radiance at points [N,3] world seen along directions [N,3] unit, in one pass where the field offers it."""
    radiance = getattr(field, "radiance", None)
    if radiance is not None:
        return radiance(points, directions)
    return Radiance(field.density(points), field.color(points, directions))
