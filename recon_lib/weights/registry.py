"""Which models there are, and how they are loaded. Safetensors only: nothing that could run code is opened."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..memory import is_out_of_memory
from ..parsing import check_path, is_file, shown
from .card import ModelCard, file_sha256, read_card

log = logging.getLogger("recon3d")

EMBEDDED = Path(__file__).parent / "embedded"
PICKLED = {".pt", ".pth", ".ckpt", ".bin", ".pkl"}


@dataclass(frozen=True)
class LoadedModel:
    """A network with its card; what travels on RECON3D_MODEL sockets."""

    module: Any  # an nn.Module of the card's system: eval mode, float32, CPU, no gradients
    card: ModelCard


def find_models(folders: Sequence[Path] = ()) -> list[ModelCard]:
    """Cards of the embedded models, then of those in `folders` (with sub-folders); the first of a name wins.

    Reads no weights. Files without a card of this pack are other programs' models and are passed over.
    """
    cards: dict[str, ModelCard] = {}
    for folder in (EMBEDDED, *map(Path, folders)):
        for path in sorted(folder.rglob("*.safetensors")):
            try:
                card = read_card(path)
            except BadInput as reason:
                log.debug("passed over: %s", reason)
                continue
            cards.setdefault(card.name, card)
    return list(cards.values())


def load_model(name_or_path: str, folders: Sequence[Path] = ()) -> LoadedModel:
    """Load a model by its name (see `find_models`) or by the path of a .safetensors file."""
    from .. import networks

    card = _locate(str(name_or_path), folders)
    state = read_state(card.path)
    # parameters made in inference mode could never be trained or fine-tuned; building must not move the global seed
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        module = _built(networks.build, card)
        _fill(module, state, card)
    module.eval().requires_grad_(False)
    parameters = sum(p.numel() for p in module.parameters())
    log.info("loaded %s: %s %s, %.1f M parameters", card.name, card.system, card.size, parameters / 1e6)
    return LoadedModel(module, replace(card, parameters=parameters, sha256=file_sha256(card.path)))


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, float32 where they are floating point. `BadInput` if it is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix.lower() in PICKLED:
        raise BadInput(f"{path.name} is a pickled checkpoint, which can run code when opened; use a .safetensors file.")
    if not is_file(path):
        raise BadInput(f"There is no file {path}; check the model's path.")
    try:
        state = load_file(str(path))
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path.name} is truncated or no safetensors file ({error}); get it again.") from error
    broken = next((key for key, value in state.items() if value.is_complex()), None)
    if broken:
        raise BadInput(f"{path.name} holds complex numbers in {broken}, which no model of this pack has; get it again.")
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def _locate(name_or_path: str, folders: Sequence[Path]) -> ModelCard:
    """The card of the model meant by a name, a name with ending, or a path."""
    path = check_path("The model's name", name_or_path)
    if path.suffix.lower() in PICKLED:
        read_state(path)  # says why not
    if is_file(path):
        return read_card(path)
    cards = find_models(folders)
    for card in cards:
        if card.name == name_or_path.removesuffix(".safetensors"):
            return card
    known = ", ".join(card.name for card in cards) or "none at all"
    raise BadInput(f"There is no model {shown(name_or_path)}; available: {known}.")


def _built(build: Callable[[str, dict], nn.Module], card: ModelCard) -> nn.Module:
    """The untrained network of a card; a description that cannot be built is one sentence."""
    try:
        return build(card.system, card.config)
    except BadInput:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise BadInput(
            f"The card of {card.name} describes a network that cannot be built ({shown(error)}); get the card again."
        ) from error


def _fill(module: nn.Module, state: dict[str, Tensor], card: ModelCard) -> None:
    """Load `state` strictly, telling a mismatch in one sentence."""
    own = module.state_dict()
    wrong = {
        "missing": [key for key in own if key not in state],
        "unexpected": [key for key in state if key not in own],
        "of another shape": [key for key in own if key in state and own[key].shape != state[key].shape],
        "of another kind": [key for key in own if key in state and _kind(own[key]) != _kind(state[key])],
    }
    told = [
        f"{len(keys)} {kind} ({', '.join(keys[:2])}{', …' if len(keys) > 2 else ''})"
        for kind, keys in wrong.items()
        if keys
    ]
    if told:
        raise BadInput(f"{card.path.name} is not a {card.system} {card.size} model: {'; '.join(told)}; check the card.")
    broken = next((key for key, value in state.items() if not torch.isfinite(value).all()), None)
    if broken:
        raise BadInput(f"{card.path.name} holds NaN or infinite weights in {broken}; get it again.")
    module.load_state_dict(state)


def _kind(tensor: Tensor) -> bool:
    return tensor.is_floating_point()
