"""LIST (Arshad and Beksi, ICCV 2023): the network of a card, in either size."""

from torch import nn

from .config import ListConfig
from .mini import ListMini


def build(config: dict) -> nn.Module:
    """The untrained network of a card's `config`."""
    chosen = ListConfig.of(config)
    if chosen.size == "base":
        from .base import ListBase

        return ListBase(chosen)
    return ListMini(chosen)
