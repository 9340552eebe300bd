"""What distinguishes LIST's sizes and ablations."""

from dataclasses import asdict, dataclass

from ...errors import BadInput
from ...parsing import number, shown, whole_number
from ..card_settings import from_card

LIMITS = {  # least and most of what a card may say
    "image_size": (whole_number, 32, 4096),
    "points": (whole_number, 16, 65536),
    "grid": (whole_number, 8, 256),
    "half": (number, 0.1, 10),
    "sdf_scale": (number, 0.01, 1000),
    "level": (number, -1, 1),
}


@dataclass(frozen=True)
class ListConfig:
    """A network's shape. `coarse_branch` and `spatial_transformer` are False in the paper's ablations."""

    size: str = "mini"  # "mini" or "base"
    image_size: int = 128  # side of the square picture, pixels
    points: int = 1024  # coarse points
    grid: int = 32  # nodes a side of the occupancy grid
    half: float = 0.56  # half the side of that grid; objects have side 1
    sdf_scale: float = 10.0  # answers are distances times this
    level: float = 0.0  # answer that counts as the surface; calibrated on training objects
    coarse_branch: bool = True
    spatial_transformer: bool = True

    @classmethod
    def of(cls, values: dict) -> "ListConfig":
        config = from_card(cls, values, "A LIST model")
        for name, (parse, *limits) in LIMITS.items():
            parse(getattr(config, name), f"{name} of a LIST model", *limits)
        for name in ("coarse_branch", "spatial_transformer"):
            if not isinstance(getattr(config, name), bool):
                raise BadInput(f"{name} of a LIST model is {shown(getattr(config, name))}; use true or false.")
        if config.size not in ("mini", "base"):
            raise BadInput(f"LIST has no size {shown(config.size)}; use mini or base.")
        return config

    def to_dict(self) -> dict:
        return asdict(self)


MINI = ListConfig()
BASE = ListConfig("base", 224, points=4096, grid=128, half=0.5)
