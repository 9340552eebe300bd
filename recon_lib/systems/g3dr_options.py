"""Options of G3DR."""

from dataclasses import dataclass

from ..parsing import number
from .options import Options as CommonOptions
from .options import option


@dataclass(frozen=True)
class Options(CommonOptions):
    """What G3DR takes beyond the common options."""

    density_level: float = option(0.25, "optical depth of a texel from which on matter counts as solid")

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self.density_level, "--density-level", 0.01, 10.0)
