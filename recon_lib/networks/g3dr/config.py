"""What distinguishes G3DR's sizes and ablations."""

from dataclasses import asdict, dataclass

from ...errors import BadInput
from ...parsing import number, shown, whole_number
from ..card_settings import from_card
from .triplanes import ALL_AXES, PUBLISHED_AXES, Axes

LIMITS = {  # least and most of what a card may say
    "image_size": (whole_number, 32, 512),
    "channels": (whole_number, 4, 256),
    "hidden": (whole_number, 4, 256),
    "levels": (whole_number, 1, 3),
    "density_scale": (number, 0.01, 1000),
}


@dataclass(frozen=True)
class G3drConfig:
    """A network's shape."""

    size: str = "mini"  # "mini" or "base"
    image_size: int = 128  # side of the square picture, pixels; planes have as many texels (base) or half (mini)
    channels: int = 32  # of a plane
    hidden: int = 32  # of the decoder
    levels: int = 3  # resolutions at which planes are read; 1: the paper's ablation
    third_plane: bool = True  # x,y / x,z / y,z; False: x,y / x,z / z,x, the slip of the published weights
    density_scale: float = 32.0  # of the softplus; densities are per half side of the box

    @property
    def axes(self) -> Axes:
        """Coordinates that each plane reads."""
        return ALL_AXES if self.third_plane else PUBLISHED_AXES

    @property
    def plane_size(self) -> int:
        """Texels a side of a plane, in pictures of `image_size`."""
        return self.image_size if self.size == "base" else self.image_size // 2

    @classmethod
    def of(cls, values: dict) -> "G3drConfig":
        config = from_card(cls, values, "A G3DR model")
        if config.size not in ("mini", "base"):
            raise BadInput(f"G3DR has no size {shown(config.size)}; use mini or base.")
        for name, (parse, *limits) in LIMITS.items():
            parse(getattr(config, name), f"{name} of a G3DR model", *limits)
        if not isinstance(config.third_plane, bool):
            raise BadInput(f"third_plane of a G3DR model is {shown(config.third_plane)}; use true or false.")
        if config.image_size % 32:
            raise BadInput(f"A G3DR model cannot see pictures of {config.image_size} pixels; use a multiple of 32.")
        return config

    def to_dict(self) -> dict:
        return asdict(self)


MINI = G3drConfig()
BASE = G3drConfig("base", channels=64, hidden=64, third_plane=False, density_scale=1.0)
