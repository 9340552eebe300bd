"""Shape and value checks for public entries."""

import torch
from torch import Tensor

from .errors import BadInput


def check_shape(name: str, value: Tensor, *pattern: int | str) -> None:
    """Raise `BadInput` unless `value` has the shape `pattern`.

    An integer must match exactly, a string is a free size: `check_shape("masks", m, "V", 1, "H", "W")`.
    The same string twice must be the same size.
    """
    if not isinstance(value, Tensor):
        raise BadInput(f"{name} is a {type(value).__name__}; a torch tensor is needed.")
    sizes: dict[str, int] = {}
    fits = value.ndim == len(pattern) and all(
        size == (want if isinstance(want, int) else sizes.setdefault(want, size))
        for size, want in zip(value.shape, pattern, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, pattern))
        raise BadInput(f"{name} has shape {tuple(value.shape)}; ({wanted}) is needed.")


def check_finite(name: str, value: Tensor) -> None:
    """Raise `BadInput` when `value` holds NaN or infinity."""
    if not torch.isfinite(value).all():
        raise BadInput(f"{name} holds NaN or infinite values; check the node that made it.")
