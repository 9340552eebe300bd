"""A mesh laid over the photo that it was aligned to, for looking."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ....meshes.mesh import Mesh
from ....render.mesh import render_mesh
from ....views.views import Views

LONGEST_PX = 640
OUTLINE = (0.1, 0.9, 0.3)  # sRGB
OPACITY = 0.5


def overlay(mesh: Mesh, view: Views) -> Tensor:
    """Photo, mesh as its camera sees it, and both over each other with the mesh's outline -> [1,3,H,3W] sRGB."""
    scale = min(1.0, LONGEST_PX / max(view.images.shape[-2:]))
    height, width = (max(round(side * scale), 1) for side in view.images.shape[-2:])
    photo = F.interpolate(view.images, (height, width), mode="bilinear", antialias=True)
    shown = render_mesh(mesh, view.cameras.resized(height, width), background=(0.5, 0.5, 0.5))
    solid = (shown.masks > 0.5).float()
    rim = F.max_pool2d(solid, 3, 1, 1) - solid
    mixed = photo * (1 - OPACITY * solid) + shown.images * OPACITY * solid
    mixed = mixed * (1 - rim) + photo.new_tensor(OUTLINE).view(1, 3, 1, 1) * rim
    return torch.cat([photo, shown.images, mixed], -1).clamp(0, 1)
