"""Muon optimizer: momentum with orthogonalised matrices (Jordan et al., "Muon", 2024).

On ZeroShape-W's network a step of Muon is worth about two of AdamW. `torch.optim.Muon` refuses convolution kernels.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from .weight_files import decay_groups

QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: five steps bring singular values to about 0.7-1.2


def orthogonalized(matrix: Tensor, steps: int = 5) -> Tensor:
    """Approximately the nearest semi-orthogonal matrix to [R,C], by Newton-Schulz steps; zeros stay zeros."""
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon for weights of two dimensions and more; kernels [O,I,h,w] count as matrices [O,I h w]."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.0
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)

    def _update(self, weight: nn.Parameter, group: dict) -> None:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        average = state["momentum"].mul_(group["momentum"]).add_(weight.grad)
        direction = weight.grad.add(average, alpha=group["momentum"]).reshape(len(weight), -1)
        direction = orthogonalized(direction)
        scale = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
        weight.mul_(1 - group["lr"] * group["decay"])
        weight.add_(direction.reshape(weight.shape), alpha=-group["lr"] * scale)


def adam_and_muon(model: nn.Module, rate: float, muon_rate: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Muon for a model's matrices at its rate, AdamW for the rest; AdamW for everything where `muon_rate` is 0."""
    matrices, others = matrices_and_others(model) if muon_rate else ([], list(model.parameters()))
    adam = torch.optim.AdamW(decay_groups(others, weight_decay), lr=rate, betas=(0.9, 0.99))
    return [adam, Muon(matrices, muon_rate, decay=weight_decay)] if matrices else [adam]


def matrices_and_others(
    model: nn.Module, apart: Iterable[nn.Parameter] = ()
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weights for Muon, and those for AdamW: vectors, the first layer's kernels, the last layers' few rows.

    The parameters `apart`, such as those of a pretrained encoder, are in neither.
    """
    matrices, others, left_out = [], [], {id(parameter) for parameter in apart}
    for parameter in model.parameters():
        if id(parameter) in left_out:
            continue
        for_muon = parameter.ndim >= 2 and min(parameter.shape[0], parameter.shape[1]) > 8 and len(parameter) > 1
        (matrices if for_muon else others).append(parameter)
    return matrices, others
