"""Decoder of colours: features and the direction they are seen from, through a small perceptron."""

import torch
from torch import Tensor, nn

DIRECTIONS = 9  # spherical harmonics up to degree 2


def spherical_harmonics(directions: Tensor) -> Tensor:
    """Real spherical harmonics [N,9] up to degree 2, without their constants, of unit directions [N,3]; 0 of 0."""
    x, y, z = directions.unbind(-1)
    square = (directions.square().sum(-1) > 0).to(directions)
    return torch.stack([square, x, y, z, x * y, y * z, z * x, x * x - y * y, 3 * z * z - square], -1)


class ColorDecoder(nn.Module):
    """Features [N,C] and directions [N,3] -> sRGB [N,3] in 0-1. Directions of 0 ask for the colour in general."""

    def __init__(self, features: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        widths = (features + DIRECTIONS, hidden, hidden, 3)
        # torch's own start would draw from the global state
        pairs = zip(widths[:-1], widths[1:], strict=True)
        self.layers = nn.ModuleList(nn.utils.skip_init(nn.Linear, before, after) for before, after in pairs)
        for layer in self.layers:
            bound = (3 / layer.in_features) ** 0.5
            with torch.no_grad():
                layer.weight.copy_((torch.rand(layer.weight.shape, generator=generator) * 2 - 1) * bound)
                layer.bias.zero_()
        with torch.no_grad():  # what does not change with the direction is learned first
            self.layers[0].weight[:, features:] = 0

    def forward(self, features: Tensor, directions: Tensor) -> Tensor:
        x = torch.cat([features, spherical_harmonics(directions)], -1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x).sigmoid()
