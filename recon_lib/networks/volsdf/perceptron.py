"""The perceptrons of VolSDF (Yariv et al. 2021, "Volume rendering of neural implicit surfaces", appendix B.1).

A signed distance with a feature beside it, a colour that sees point, direction, normal and feature, and the learned
width of the Laplace density. Named tensor for tensor as in VolSDF's checkpoints, whose `weight_g` and `weight_v` are
the lengths and directions of weight normalisation (Salimans & Kingma 2016). Geometric initialisation makes the distance
that of a sphere, nearly (Atzmon & Lipman 2020, "SAL", theorem 1).
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encodings import frequency_encoding

SHARPNESS = 100.0  # of the softplus
LEAST_BETA = 1e-4
SMALL = 1e-4  # spread of the last layer's weights at the start


@dataclass(frozen=True)
class VolSDFConfig:
    """The paper's sizes for single objects. World units are VolSDF's own: cameras within a ball of radius 3."""

    width: int = 256
    depth: int = 8  # hidden layers of the distance
    color_depth: int = 4  # hidden layers of the colour
    octaves: int = 6  # of the point's encoding
    view_octaves: int = 4
    skip: int = 4  # this layer sees the encoded point again
    radius: float = 0.6  # of the sphere at the start
    beta: float = 0.1
    scene_radius: float = 3.0
    sphere_scale: float = 20.0  # the distance is at most this times the distance to the scene's edge


class VolSDF(nn.Module):
    """Signed distance (> 0 outside), feature and colour of points [N,3]."""

    def __init__(self, config: VolSDFConfig | None = None) -> None:
        super().__init__()
        self.config = config or VolSDFConfig()
        self.implicit_network = DistanceNetwork(self.config)
        self.rendering_network = ColorNetwork(self.config)
        self.density = LaplaceBeta(self.config.beta)

    def distance(self, points: Tensor) -> Tensor:
        """points [N,3] -> signed distances [N], bounded by the edge of the scene."""
        return self._bounded(points, self.implicit_network(points)[:, 0])

    def distance_and_slope(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """points [N,3] -> distances [N], their gradients [N,3], features [N,width].

        The gradients can be trained on when gradients are enabled at the call.
        """
        training = torch.is_grad_enabled()
        with torch.enable_grad():
            points = points.detach().requires_grad_(True)
            answer = self.implicit_network(points)
            distance = self._bounded(points, answer[:, 0])
            slope = torch.autograd.grad(distance.sum(), points, create_graph=training)[0]
        if not training:
            distance, answer = distance.detach(), answer.detach()
        return distance, slope, answer[:, 1:]

    def free_slope(self, points: Tensor) -> Tensor:
        """points [N,3] -> gradients [N,3] of the distance that the scene's edge does not bound, to be trained on."""
        with torch.enable_grad():
            points = points.detach().requires_grad_(True)
            distance = self.implicit_network(points)[:, 0]
            return torch.autograd.grad(distance.sum(), points, create_graph=True)[0]

    def color(self, points: Tensor, slope: Tensor, directions: Tensor, feature: Tensor) -> Tensor:
        """Points, gradients of the distance, view directions [N,3] each, features [N,width] -> colours [N,3] in 0-1."""
        return self.rendering_network(points, slope, directions, feature)

    def _bounded(self, points: Tensor, distance: Tensor) -> Tensor:
        edge = self.config.sphere_scale * (self.config.scene_radius - points.norm(dim=-1))
        return torch.minimum(distance, edge)


class DistanceNetwork(nn.Module):
    """Points [N,3] -> distance and feature [N,1+width]."""

    def __init__(self, config: VolSDFConfig) -> None:
        super().__init__()
        self.config = config
        encoded = 3 + 6 * config.octaves
        for layer in range(config.depth + 1):
            inputs = encoded if layer == 0 else config.width
            outputs = config.width - (encoded if layer + 1 == config.skip else 0)
            self.add_module(f"lin{layer}", NormedLinear(inputs, outputs if layer < config.depth else 1 + config.width))
        self.start_as_sphere()

    @torch.no_grad()
    def start_as_sphere(self) -> None:
        """Weights by which the distance is about that of a sphere of `config.radius`."""
        for layer in range(self.config.depth + 1):
            linear = getattr(self, f"lin{layer}")
            outputs, inputs = linear.weight_v.shape
            linear.bias.zero_()
            if layer == self.config.depth:
                linear.weight_v.normal_(math.sqrt(math.pi) / math.sqrt(inputs), SMALL)
                linear.bias.fill_(-self.config.radius)
            else:
                linear.weight_v.normal_(0.0, math.sqrt(2) / math.sqrt(outputs))
                if layer == 0:
                    linear.weight_v[:, 3:] = 0
                elif layer == self.config.skip:
                    linear.weight_v[:, -6 * self.config.octaves :] = 0
            linear.weight_g.copy_(linear.weight_v.norm(dim=1, keepdim=True))

    def forward(self, points: Tensor) -> Tensor:
        encoded = frequency_encoding(points, self.config.octaves)
        x = encoded
        for layer in range(self.config.depth + 1):
            if layer == self.config.skip:
                x = torch.cat([x, encoded], -1) / math.sqrt(2)
            x = getattr(self, f"lin{layer}")(x)
            if layer < self.config.depth:
                x = F.softplus(x, beta=SHARPNESS)
        return x


class ColorNetwork(nn.Module):
    """The colour that a point shows in a direction."""

    def __init__(self, config: VolSDFConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 9 + 6 * config.view_octaves + config.width
        for layer in range(config.color_depth + 1):
            outputs = config.width if layer < config.color_depth else 3
            self.add_module(f"lin{layer}", NormedLinear(inputs if layer == 0 else config.width, outputs))

    def forward(self, points: Tensor, slope: Tensor, directions: Tensor, feature: Tensor) -> Tensor:
        x = torch.cat([points, frequency_encoding(directions, self.config.view_octaves), slope, feature], -1)
        for layer in range(self.config.color_depth):
            x = getattr(self, f"lin{layer}")(x).relu()
        return getattr(self, f"lin{self.config.color_depth}")(x).sigmoid()


class NormedLinear(nn.Module):
    """A linear layer whose rows have the length `weight_g` and the direction `weight_v`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        plain = nn.Linear(inputs, outputs)
        self.bias = nn.Parameter(plain.bias.detach())
        self.weight_g = nn.Parameter(plain.weight.detach().norm(dim=1, keepdim=True))
        self.weight_v = nn.Parameter(plain.weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight_v * (self.weight_g / self.weight_v.norm(dim=1, keepdim=True)), self.bias)


class LaplaceBeta(nn.Module):
    """The width of the density's Laplace distribution, > 0."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(beta))

    def forward(self) -> Tensor:
        return self.beta.abs() + LEAST_BETA
