"""Options of LIST."""

from dataclasses import dataclass

from .options import Options as CommonOptions
from .options import option


@dataclass(frozen=True)
class Options(CommonOptions):
    """What LIST takes beyond the common options."""

    on_ground: bool = option(False, "let the mesh stand on y = 0")
