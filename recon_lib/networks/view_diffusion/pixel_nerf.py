"""PixelNeRF (Yu et al., CVPR 2021): radiance at points, from what posed pictures show there.

Pooled over views by mean and variance, coloured by blending the pictures' colours (as IBRNet, Wang et al., CVPR 2021).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Conv2d, Linear

from ...cameras.camera import Cameras
from ..encodings import frequency_encoding
from .encoder import FEATURES, EncodedViews

BANDS = 4  # frequencies of a point's depth in a view
GEOMETRY = 3 + 1 + 4 + (1 + 2 * BANDS) + 1  # colour, mask, direction, depth, in the picture or not
DENSITY = 10.0  # absorption per world unit to which the head's 1 amounts: it starts as an opaque hull


class PixelNerf(nn.Module):
    """Views, points [N,3] and ray directions [N,3] unit, world -> density [N], colour [N,3] 0-1, features [N,F]."""

    def __init__(self, features: int, width: int = 64) -> None:
        super().__init__()
        self.image, self.geometry = Conv2d(FEATURES, width, 1), Linear(GEOMETRY, width, bias=False)
        self.second = Linear(width, width)
        self.pooled = nn.Sequential(
            Linear(2 * width + 1, 2 * width), nn.ReLU(inplace=True), Linear(2 * width, width), nn.ReLU(inplace=True)
        )
        self.density, self.features = Linear(width, 1), Linear(width, features)
        self.own_color = Linear(width, 4)  # colour, and how much of it
        self.blend_view, self.blend_all = Linear(width, width // 2), Linear(width, width // 2, bias=False)
        self.blend = Linear(width // 2, 1)

    def forward(self, views: EncodedViews, points: Tensor, directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pixels, geometry, inside = _geometry(views, points, directions)
        # a linear layer and a reading of pixels commute, and the map has fewer pixels than there are points
        features = read_pixels(self.image(views.features), pixels, views.cameras)
        local = F.relu(self.second(F.relu(features + self.geometry(geometry))))  # [V,N,W]
        count = inside.sum(0).clamp_min(1)
        share = inside / count
        mean = (local * share).sum(0)
        variance = (local.square() * share).sum(0) - mean.square()
        pooled = self.pooled(torch.cat([mean, variance, 1 / count], -1))
        logits = self.blend(F.relu(self.blend_view(local) + self.blend_all(pooled)))
        blended = (torch.where(inside, logits, -1e4).softmax(0) * geometry[..., :3]).sum(0)
        own = self.own_color(pooled).sigmoid()
        color = blended.lerp(own[:, :3], own[:, 3:])
        return DENSITY * F.softplus(self.density(pooled)[:, 0]), color, self.features(pooled)


def _geometry(views: EncodedViews, points: Tensor, directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels [V,N,2] of points; colour, mask, direction and depth there [V,N,G]; in the picture or not [V,N,1]."""
    cameras = views.cameras
    pixels, depth = cameras.project(points)
    shown = read_pixels(torch.cat([views.images, views.masks], 1), pixels, cameras)
    inside = in_picture(pixels, depth, cameras)[..., None]
    toward = F.normalize(points - cameras.position[:, None], dim=-1)
    turn, cos = (directions - toward) @ cameras.rotation, (directions * toward).sum(-1, keepdim=True)
    relief = (depth - cameras.position.norm(dim=-1, keepdim=True))[..., None]
    return pixels, torch.cat([shown, turn, cos, frequency_encoding(relief * 2, BANDS), inside.to(shown)], -1), inside


def read_pixels(maps: Tensor, pixels: Tensor, cameras: Cameras) -> Tensor:
    """Maps [V,C,h,w] of the cameras' pictures, read at pixels [V,N,2] of these: [V,N,C]."""
    grid = pixels / pixels.new_tensor([cameras.width, cameras.height]) * 2 - 1
    values = F.grid_sample(maps, grid[:, None], padding_mode="border", align_corners=False)
    return values[:, :, 0].mT


def in_picture(pixels: Tensor, depth: Tensor, cameras: Cameras) -> Tensor:
    """Whether points at pixels [V,N,2] and z-depth [V,N] lie in the pictures, [V,N] bool."""
    x, y = pixels.unbind(-1)
    return (depth > 0) & (x >= 0) & (x <= cameras.width) & (y >= 0) & (y <= cameras.height)
