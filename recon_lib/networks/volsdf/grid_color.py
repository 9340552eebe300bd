"""The small decoder that turns a grid's features into the colour seen from a direction."""

import torch
from torch import Tensor, nn

NEUTRAL = 3  # the first features are the colour itself, as logits


class GridColor(nn.Module):
    """Features [N,C], normals and view directions [N,3] -> sRGB [N,3] in 0-1.

    The first three features are logits of the colour; a perceptron adds what changes with normal and direction. It
    adds nothing at the start, so colours are trained first and shading after.
    """

    def __init__(self, features: int = 6, hidden: int = 16) -> None:
        super().__init__()
        self.inner = nn.Linear(features + 6, hidden)
        self.outer = nn.Linear(hidden, 3)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, features: Tensor, normals: Tensor, directions: Tensor) -> Tensor:
        shading = self.outer(self.inner(torch.cat([features, normals, directions], -1)).relu())
        return torch.sigmoid(features[:, :NEUTRAL] + shading)
