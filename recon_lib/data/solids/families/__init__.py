"""Families of objects: each function turns dice into a solid in its design frame (+y up, +z front, size about 2)."""

from collections.abc import Callable

from ...dice import Dice
from ..solid import Solid
from .abstract import abstract
from .appliances import appliance
from .creatures import creature
from .figures import figure
from .furniture import furniture
from .nature import nature
from .packages import package
from .tools import tool
from .vehicles import vehicle
from .vessels import vessel
from .wearables import wearable

FAMILIES: dict[str, tuple[Callable[[Dice], Solid], float]] = {  # function, how often
    "vessel": (vessel, 3),
    "package": (package, 3),
    "furniture": (furniture, 2.5),
    "appliance": (appliance, 2.5),
    "creature": (creature, 1.5),
    "figure": (figure, 1.3),
    "tool": (tool, 2),
    "abstract": (abstract, 2),
    "vehicle": (vehicle, 1.7),
    "nature": (nature, 1.7),
    "wearable": (wearable, 1.3),
}
