"""Networks: torch modules only; no files, no devices, no images that have not become tensors."""

from torch import nn

from ..errors import BadInput
from ..registry import find_system, load_part


def build(system: str, config: dict) -> nn.Module:
    """The untrained network of a model card: its `system` and `config`."""
    row = find_system(system)
    if row.network is None:
        raise BadInput(f"System {system!r} has no network of its own; check the model's card.")
    return load_part(row.network)(config)
