"""Low-rank changes of a network's layers (LoRA, Hu et al., ICLR 2022), as peft names and trains them."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import BadInput

Network = TypeVar("Network", bound=nn.Module)
DOWN, UP = ".lora_A.weight", ".lora_B.weight"


def with_low_rank(network: Network, factors: dict[str, Tensor]) -> Network:
    """A copy of the network with the changes added to its weights; it is as quick as before.

    factors: for each changed layer `<name>.lora_A.weight` and `<name>.lora_B.weight`, of a linear layer [r,in] and
    [out,r], of a convolution [r,in,k,k] and [out,r,1,1]; the change is their product.
    Raises `BadInput` for no factors, a name of no layer, a missing half and shapes that do not fit.
    """
    with torch.inference_mode(False):
        changed = copy.deepcopy(network)
    layers = dict(changed.named_modules())
    names = sorted({key.removesuffix(DOWN).removesuffix(UP) for key in factors})
    wanted = {name + end for name in names for end in (DOWN, UP)}
    if not names or wanted != set(factors) or not set(names) <= set(layers):
        raise BadInput("The LoRA file does not name this network's layers; choose one that was made for this painter.")
    with torch.no_grad():
        for name in names:
            weight: Tensor = layers[name].get_parameter("weight")
            change = _product(factors[name + DOWN], factors[name + UP])
            if change is None or change.shape != weight.shape:
                raise BadInput(f"Layer {name} of the LoRA file has another shape; choose one made for this painter.")
            weight += change.to(weight)
    return changed


def _product(down: Tensor, up: Tensor) -> Tensor | None:
    """The change of a layer's weight; None when the factors do not fit each other."""
    flat = up.flatten(1)  # [out,r]
    if up.ndim != down.ndim or flat.shape[1] != len(down):
        return None
    return torch.einsum("or,r...->o...", flat, down)
