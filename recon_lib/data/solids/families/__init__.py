"""Families of objects: each function turns dice into a solid in its design frame (+y up, +z front, size about 2)."""

from collections.abc import Callable

from ...dice import Dice
from ..solid import Solid
from .abstract import abstract
from .furniture import furniture
from .packages import package
from .vessels import vessel

FAMILIES: dict[str, tuple[Callable[[Dice], Solid], float]] = {  # function, how often
    "vessel": (vessel, 3),
    "furniture": (furniture, 3),
    "package": (package, 2),
    "abstract": (abstract, 2),
}
