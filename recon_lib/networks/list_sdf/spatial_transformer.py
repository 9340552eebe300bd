"""Spatial transformer: where in the picture a 3D query shows, found without a camera (LIST, section 3.3).

The paper's answers the twelve numbers of a projection. The mini model's answers the few that a camera before an upright
object is made of, so that the same head tells where up is, and training can tell it so.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Linear

from ...cameras.upright import upright_rotation

USUAL_UP = (0.0, -0.96, -0.28)  # of a camera that looks down by 16 degrees
USUAL_CONVERGENCE, USUAL_SCALE = 0.35, 0.72
OUTPUTS = 8


@dataclass(frozen=True)
class ViewEstimate:
    """Weak knowledge of B views: an object of side 1 at the origin of the upright frame, and who looks at it."""

    up: Tensor  # [B,3] unit, gravity's opposite in the camera frame
    convergence: Tensor  # [B] > 0, 1 / distance of the camera, object sides
    scale: Tensor  # [B] > 0, picture sides that an object side takes at the origin
    centre: Tensor  # [B,2] of the origin in the picture, 0-1
    front: Tensor  # [B] relief of the mean visible surface, from the origin; < 0: before it

    @property
    def rotation(self) -> Tensor:
        """[B,3,3] upright -> camera frame."""
        return upright_rotation(self.up)

    @property
    def matrix(self) -> Tensor:
        """[B,4,3]: [x,y,z,1] of a query times this is its position in the picture (0-1) times a weight, that weight."""
        rotation = self.rotation
        weight = self.convergence[:, None] * rotation[:, 2]
        columns = [self.scale[:, None] * rotation[:, i] + self.centre[:, i : i + 1] * weight for i in range(2)]
        linear = torch.stack([*columns, weight], -1)
        constant = torch.cat([self.centre, torch.ones_like(self.centre[:, :1])], -1)
        return torch.cat([linear, constant[:, None]], 1)

    def relief(self, points: Tensor) -> Tensor:
        """Relief [B,N] of points [B,N,3] from the origin, as `mini_backbone.depth_from_relief` counts it."""
        ahead = self.convergence[:, None] * torch.einsum("bni,bi->bn", points, self.rotation[:, 2])
        focal = self.scale / self.convergence
        return focal[:, None] / 2 * torch.log((1 + ahead).clamp_min(0.05))

    def intrinsics(self, side: int) -> Tensor:
        """[B,3,3] pixels of a picture of side x side."""
        matrix = torch.zeros(len(self.up), 3, 3, device=self.up.device)
        matrix[:, 0, 0] = matrix[:, 1, 1] = self.scale / self.convergence * side
        matrix[:, :2, 2] = self.centre * side
        matrix[:, 2, 2] = 1
        return matrix

    def camera_to_upright(self) -> Tensor:
        """[B,4,4] pose of the camera in the upright frame, object sides."""
        pose = torch.eye(4, device=self.up.device).repeat(len(self.up), 1, 1)
        pose[:, :3, :3] = self.rotation.mT
        pose[:, :3, 3] = -self.rotation[:, 2] / self.convergence[:, None]
        return pose


class SpatialTransformer(nn.Module):
    """Vector of picture and points [B,width] -> `ViewEstimate`; before training that of the usual view."""

    def __init__(self, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = nn.Sequential(Linear(width, hidden), nn.SiLU(), Linear(hidden, hidden), nn.SiLU())
        self.answer = Linear(hidden, OUTPUTS)
        nn.init.normal_(self.answer.weight, std=1e-3)
        nn.init.zeros_(self.answer.bias)

    def forward(self, features: Tensor) -> ViewEstimate:
        x = self.answer(self.hidden(features))
        up = F.normalize(x[:, :3] + x.new_tensor(USUAL_UP), dim=-1)
        convergence = USUAL_CONVERGENCE * torch.exp(x[:, 3].clamp(-3, 1))
        scale = USUAL_SCALE * torch.exp(x[:, 4].clamp(-1.5, 1.5))
        return ViewEstimate(up, convergence, scale, 0.5 + 0.25 * torch.tanh(x[:, 5:7]), x[:, 7] - 0.1)


class FreeProjection(nn.Sequential):
    """The paper's: vector [B,640] -> the twelve numbers of a projection [B,4,3]. Named as in LIST's weights."""

    def __init__(self, width: int = 640, hidden: int = 128) -> None:
        layers = []
        for inputs in (width, hidden):
            layers += [Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.BatchNorm1d(hidden)]
        super().__init__(*layers, Linear(hidden, 12))

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features).reshape(-1, 4, 3)
