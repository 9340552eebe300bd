"""What a model card tells of a prior of views."""

from dataclasses import asdict, dataclass

from ...errors import BadInput
from ...parsing import shown, whole_number
from ..card_settings import from_card

LIMITS = {  # least and most of what a card may say
    "side": (32, 4096), "fold": (1, 16), "features": (1, 1024), "samples": (2, 1024), "groups": (1, 4096),
    "heads": (1, 64), "token_width": (8, 4096), "train_steps": (10, 100_000),
}  # fmt: skip
MOST_LEVELS = 8


@dataclass(frozen=True)
class ViewDiffusionConfig:
    """What a model card must tell to build the network."""

    size: str = "mini"
    side: int = 64  # pixels of the square pictures
    fold: int = 2  # fold x fold pixels become channels: the network and the feature map have the side / fold
    features: int = 24  # channels of the rendered feature map, besides colour and opacity
    samples: int = 12  # of a ray of the feature map
    channels: tuple[int, ...] = (40, 80, 160)  # at side / fold, / 2, / 4, ...; cross-attention at the last
    groups: int = 8  # of the group norms; divides all channels
    heads: int = 4  # of the attentions
    token_width: int = 96  # of an input picture's embedding
    train_steps: int = 1000  # noise levels
    schedule: str = "squaredcos_cap_v2"  # its last level is pure noise

    @classmethod
    def of(cls, values: dict) -> "ViewDiffusionConfig":
        """From a card's JSON. Raises `BadInput` for settings that are unknown or cannot be built."""
        config = from_card(cls, values, "A prior of views")
        for name, limits in LIMITS.items():
            whole_number(getattr(config, name), f"{name} of a prior of views", *limits)
        config._check_channels()
        return config

    def _check_channels(self) -> None:
        if not isinstance(self.channels, tuple) or not 2 <= len(self.channels) <= MOST_LEVELS:
            raise BadInput(f"Channels {shown(self.channels)} of a prior of views are no list of 2 to {MOST_LEVELS}.")
        for width in self.channels:
            whole_number(width, "channels of a prior of views", 1, 4096)
        if any(width % self.groups for width in self.channels):
            raise BadInput(f"Channels {self.channels} of a prior of views must be multiples of {self.groups}.")
        stride = self.fold * 2 ** (len(self.channels) - 1)
        if self.side % stride or self.side % 16:
            raise BadInput(
                f"A prior of views cannot work at {self.side} px; its side is a multiple of {stride} and 16."
            )

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {**asdict(self), "channels": list(self.channels)}

    @property
    def map_side(self) -> int:
        """Side of the feature map, pixels."""
        return self.side // self.fold

    @property
    def map_channels(self) -> int:
        """Channels of the feature map: colour, opacity, features."""
        return 4 + self.features


MINI = ViewDiffusionConfig()
