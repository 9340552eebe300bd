"""G3DR (Reddy et al., CVPR 2024): the network of a card, in either size."""

from torch import nn

from .config import G3drConfig


def build(config: dict) -> nn.Module:
    """The untrained network of a card's `config`."""
    chosen = G3drConfig.of(config)
    if chosen.size == "base":
        from .base import G3drBase

        return G3drBase(chosen)
    from .mini import G3drMini

    return G3drMini(chosen)
