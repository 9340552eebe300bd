"""Visualisations of the layers of views."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..check import check_shape
from ..provenance import Provenance, provenance_colors
from ..views.views import Views
from .shading import depth_colors, normal_colors

OBJECT_TINT = (0.20, 0.70, 0.30)  # sRGB
OCCLUDER_TINT = (0.90, 0.25, 0.20)


def depth_picture(depth: Tensor) -> Tensor:
    """Picture [V,3,H,W] of z-depth [V,1,H,W], 0 = no surface: near is bright, black without surface."""
    check_shape("depth", depth, "V", 1, "H", "W")
    return depth_colors(depth.movedim(1, -1)).movedim(-1, 1)


def linear_depth_picture(depth: Tensor) -> Tensor:
    """z-depth [V,1,H,W] divided by each view's largest value: far is bright, and only the scale is lost."""
    check_shape("depth", depth, "V", 1, "H", "W")
    return depth / depth.amax((1, 2, 3), keepdim=True).clamp_min(1e-12)


def normal_picture(normals: Tensor) -> Tensor:
    """OpenGL-style normal map [V,3,H,W] of camera-frame normals [V,3,H,W], 0 = no surface: black without surface."""
    check_shape("normals", normals, "V", 3, "H", "W")
    colors = normal_colors(normals.movedim(1, -1)).movedim(-1, 1)
    return torch.where((normals != 0).any(1, keepdim=True), colors, 0.0)


def provenance_picture(views: Views) -> Tensor:
    """Provenance of the pixels of `views`, in the colours of `provenance.PROVENANCE_COLORS` [V,3,H,W]."""
    codes = views.provenance
    if codes is None:
        codes = (views.masks > 0.5) * int(Provenance.OBSERVED)
    return provenance_colors(codes[:, 0]).movedim(-1, 1)


def mask_picture(images: Tensor, masks: Tensor, occluders: Tensor | None = None, opacity: float = 0.55) -> Tensor:
    """Pictures [V,3,H,W] with the object [V,1,H,W] tinted green, occluders [V,1,H,W] red, and the rest dimmed."""
    pictures = images * (1 - 0.6 * (1 - masks))
    for mask, tint in ((masks, OBJECT_TINT), (occluders, OCCLUDER_TINT)):
        if mask is not None:
            coverage = mask * opacity
            pictures = pictures * (1 - coverage) + images.new_tensor(tint).view(1, 3, 1, 1) * coverage
    return pictures.clamp(0, 1)


def grid_pictures(grid: Tensor, size: int = 256) -> Tensor:
    """Largest values of a grid [R,R,R] (z,y,x) in 0-1 along each axis, seen from the front, right and above.

    -> [3,3,size,size], black where nothing is.
    """
    front, right, above = grid.amax(0).flip(0), grid.amax(2).mT.flip(0, 1), grid.amax(1)
    pictures = torch.stack([front, right, above])[:, None].clamp(0, 1)
    return F.interpolate(pictures, (size, size), mode="nearest").expand(-1, 3, -1, -1).contiguous()
