"""The one question that every representation answers: how far inside the object is this point?"""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Field(Protocol):
    """A solid in the world frame (see `cameras.camera`), possibly coloured.

    Fields are immutable once they travel on a socket; they keep their tensors on the CPU between stages and
    compute on `device`.

    A field may say with `min_feature_size` how thin its parts can be, world units, where it knows: extraction then
    looks for nothing thinner.
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
