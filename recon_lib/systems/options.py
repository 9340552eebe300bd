"""Options of a system: a frozen dataclass whose described fields are options of the command line too.

Imports no torch, so that `--help` is quick.
"""

from dataclasses import dataclass, field
from typing import Any

from ..parsing import RESOLUTIONS, SEEDS, TEXTURE_SIZES, whole_number


def option(default: Any, description: str, **how: Any) -> Any:
    """A field that the command line offers. how: `flag`, `metavar`, `choices` where the field does not say them."""
    return field(default=default, metadata={"help": description, **how})


@dataclass(frozen=True)
class Options:
    """What every system takes."""

    resolution: int = option(256, "cells per side of the extracted grid")
    texture_size: int = option(1024, "pixels per side of the texture")
    seed: int = option(0, "of all random numbers")

    def __post_init__(self) -> None:
        """Raises `BadInput` for what cannot work, before any work is done."""
        check_common(self.resolution, self.texture_size, self.seed)


def check_common(resolution: int, texture_size: int, seed: int) -> None:
    """`BadInput` for an extracted grid, a texture or a seed outside the limits of the stages."""
    whole_number(resolution, "--resolution", *RESOLUTIONS)
    whole_number(texture_size, "--texture-size", *TEXTURE_SIZES)
    whole_number(seed, "--seed", *SEEDS)
