"""Options of a system: a frozen dataclass whose described fields are options of the command line too.

Imports no torch, so that `--help` is quick.
"""

from dataclasses import dataclass, field
from typing import Any


def option(default: Any, description: str, **how: Any) -> Any:
    """A field that the command line offers. how: `flag`, `metavar`, `choices` where the field does not say them."""
    return field(default=default, metadata={"help": description, **how})


@dataclass(frozen=True)
class Options:
    """What every system takes."""

    resolution: int = option(256, "cells per side of the extracted grid")
    texture_size: int = option(1024, "pixels per side of the texture")
    seed: int = option(0, "of all random numbers")
