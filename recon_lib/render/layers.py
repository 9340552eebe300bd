"""Layers of a rendering, and compositing of samples over the background."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from ..cameras.camera import Cameras
from ..errors import BadInput
from ..views.views import Views


@dataclass(frozen=True)
class Rendering:
    """Pictures of one object from V cameras, with masks, depth and normals."""

    images: Tensor  # [V,3,H,W] sRGB 0-1, over the background
    masks: Tensor  # [V,1,H,W] coverage of the pixel by the object, 0-1
    depth: Tensor  # [V,1,H,W] z-depth at pixel centres, 0 = no surface
    normals: Tensor  # [V,3,H,W] unit, camera frame, at pixel centres, 0 = no surface

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def cat(cls, renderings: Sequence["Rendering"]) -> "Rendering":
        """Concatenation of renderings of one image size."""
        return cls(**{f.name: torch.cat([getattr(r, f.name) for r in renderings]) for f in fields(cls)})

    def as_views(self, cameras: Cameras) -> Views:
        """The pictures as posed views of the `cameras` that they were rendered with."""
        return Views(self.images, cameras, self.masks, self.depth, self.normals)


def composite(colors: Tensor, covered: Tensor, background: Tensor, supersample: int) -> tuple[Tensor, Tensor]:
    """Means of blocks of supersample^2 samples over the background.

    colors [1,H*s,W*s,3], covered [1,H*s,W*s] bool, background [3] -> image [1,3,H,W], mask [1,1,H,W].
    """
    alpha = covered[:, None].float()
    image = F.avg_pool2d(colors.permute(0, 3, 1, 2) * alpha, supersample)
    mask = F.avg_pool2d(alpha, supersample)
    return (image + (1 - mask) * background.view(1, 3, 1, 1)).clamp(0, 1), mask


def background_color(background: Sequence[float], device: torch.device) -> Tensor:
    """Background colour [3] of an RGB triple. Raises `BadInput` unless it is in 0-1."""
    color = torch.as_tensor(background, dtype=torch.float32, device=device)
    if color.shape != (3,) or not ((color >= 0) & (color <= 1)).all():
        raise BadInput(f"Background {background} is not a colour; give red, green and blue in 0-1.")
    return color
