"""Views as an adjustment reads them: blurred pictures and silhouette distances, with their slopes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...fields.hull import signed_distance
from ...progress import unchecked
from ...views.framing import within_picture
from ...views.views import Views

LEAST_COVERAGE = 0.5  # of a blurred mask where colours still count as the object's
FARTHEST = 1e3  # pixels: silhouette distances beyond it are cut


@dataclass(frozen=True)
class Pictures:
    """V views of one size: colours, coverage and silhouette distance, each with its slopes along x and y."""

    layers: Tensor  # [V,C,H,W]: 3 colours, coverage, silhouette distance; their slopes along x, along y
    whole: Tensor  # [V] bool: the object lies within the picture

    @classmethod
    def of(cls, views: Views, blur: float, check: Callable[[], None] = unchecked) -> "Pictures":
        """blur: standard deviation of the Gaussian by which colours are averaged within the masks, pixels."""
        masks = views.masks.float()
        coverage = gaussian_blur(masks, blur)
        colors = gaussian_blur(views.images.float() * masks, blur) / coverage.clamp_min(1e-3)
        distance = signed_distance(masks, check).clamp(-FARTHEST, FARTHEST)
        values = torch.cat([colors, coverage, distance], 1)
        return cls(torch.cat([values, *slopes(values)], 1), within_picture(masks))

    def read(self, pixels: Tensor) -> "Reading":
        """Bilinear readings at pixels [N,V,2]."""
        height, width = self.layers.shape[-2:]
        grid = pixels.movedim(0, 1)[:, :, None] * (2 / pixels.new_tensor([width, height])) - 1  # [V,N,1,2]
        values = F.grid_sample(self.layers, grid, padding_mode="border", align_corners=False)
        values, along_x, along_y = values[..., 0].permute(2, 0, 1).chunk(3, -1)  # [N,V,5] each
        slopes = torch.stack([along_x, along_y], -1)
        size = pixels.new_tensor([width, height])
        framed = ((pixels >= 0) & (pixels <= size)).all(-1)
        return Reading(values[..., :3], slopes[..., :3, :], values[..., 3], values[..., 4], slopes[..., 4, :], framed)


@dataclass(frozen=True)
class Reading:
    """What pixels of N points show in V views."""

    colors: Tensor  # [N,V,3]
    color_slopes: Tensor  # [N,V,3,2] for each pixel
    coverage: Tensor  # [N,V] blurred mask
    distance: Tensor  # [N,V] silhouette distance, pixels, > 0 inside
    distance_slope: Tensor  # [N,V,2]
    framed: Tensor  # [N,V] bool


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Images [V,C,H,W] under a Gaussian of `sigma` pixels; beyond the edge they continue."""
    radius = max(1, round(3 * sigma))
    if sigma <= 0:
        return images
    at = torch.arange(-radius, radius + 1, dtype=images.dtype)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    padded = F.pad(images, (radius, radius, radius, radius), mode="replicate")
    across = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(across, kernel.mT, groups=images.shape[1])


def slopes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences of [V,C,H,W] along x and along y, for each pixel."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    along_x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    return along_x, (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
