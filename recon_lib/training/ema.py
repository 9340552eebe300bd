"""Exponential moving average of the weights, which is saved as the model."""

import copy

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average of a module; its decay is lower at the start of training."""

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for average, current in zip(self.module.state_dict().values(), module.state_dict().values(), strict=True):
            if average.is_floating_point():
                average.lerp_(current.to(average), 1 - decay)
            else:
                average.copy_(current)
