"""Weight decay groups; reading and writing of weights and their cards."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import nn

from ..errors import BadInput
from ..files import written_whole
from ..weights.card import card_path
from ..weights.registry import EMBEDDED, read_state

ZEROSHAPE_W_MINI = EMBEDDED / "zeroshape_w_mini.safetensors"  # whose backbone other networks begin with


def decay_groups(parameters: Iterable[nn.Parameter], decay: float) -> list[dict]:
    """Parameter groups with weight decay for matrices and kernels, none for vectors (ZeroShape, section 4.1)."""
    parameters = [p for p in parameters if p.requires_grad]
    matrices, vectors = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]


def save_weights(model: nn.Module, path: Path) -> None:
    """Write half-precision safetensors, first beside `path` and then renamed."""
    from safetensors.torch import save_file

    tensors = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    with written_whole(path) as beside:
        save_file(tensors, beside)


def save_card(model: Any, system: str, path: Path) -> None:
    """Write the card of the weights at `path` with what the model itself tells; an existing card is not changed.

    Weights cannot be loaded without a card. Figures, licence and training data are for people to add.
    """
    if card_path(path).exists():
        return
    config = model.config.to_dict()
    parameters = sum(p.numel() for p in model.parameters())
    facts = {"system": system, "size": config["size"], "licence": "", "parameters": parameters, "config": config}
    with written_whole(card_path(path)) as beside:
        beside.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def load_part(module: nn.Module, name: str, path: Path) -> None:
    """Load the part `name` of the model in the safetensors at `path` into a module of the same layout."""
    state = read_state(path)
    module.load_state_dict({key.removeprefix(f"{name}."): v for key, v in state.items() if key.startswith(f"{name}.")})


def load_weights(model: nn.Module, path: Path) -> None:
    """Load the safetensors at `path` into the model; `BadInput` when they are missing, damaged, or another model's."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        model.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except FileNotFoundError as error:
        raise BadInput(f"There is no weights file {path}; check the name.") from error
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path} is truncated or no safetensors file; get it again.") from error
    except RuntimeError as error:
        raise BadInput(f"{path} holds the weights of another model than the one to train; choose its size.") from error
