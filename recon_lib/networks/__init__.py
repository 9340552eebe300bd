"""Networks: torch modules only; no files, no devices, no images that have not become tensors."""

from torch import nn

from ..errors import BadInput


def build(system: str, config: dict) -> nn.Module:
    """The untrained network of a model card: its `system` and `config`."""
    if system == "zeroshape-w":
        from .zeroshape_w.model import ZeroShapeW, ZeroShapeWConfig

        return ZeroShapeW(ZeroShapeWConfig.of(config))
    if system == "outpainter":
        from .outpainter import Outpainter, OutpainterConfig

        return Outpainter(OutpainterConfig.of(config))
    raise BadInput(f"No network is known for system {system!r}; update the pack or check the model's card.")
