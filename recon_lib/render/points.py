"""Pictures of a point cloud: square splats, the nearest one in front."""

import torch
from torch import Tensor

from ..cameras.camera import Cameras
from ..check import check_shape
from .shading import CLAY


def render_points(
    points: Tensor,  # [N,3] world
    colors: Tensor | None,  # [N,3] sRGB 0-1; None: clay grey
    cameras: Cameras,
    *,
    size: int = 1,  # splats are (2 * size + 1) pixels wide
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Tensor:
    """Pictures [V,3,H,W] of the points from all cameras. Points behind a camera or outside the frame are left out."""
    check_shape("points", points, "N", 3)
    if colors is None:
        colors = points.new_tensor(CLAY).expand_as(points)
    check_shape("colors", colors, len(points), 3)
    pixels, depth = cameras.project(points)
    height, width = cameras.height, cameras.width
    offsets = torch.arange(-size, size + 1)
    shift = torch.stack(torch.meshgrid(offsets, offsets, indexing="xy"), -1).reshape(-1, 1, 2)
    pictures = []
    for at, far in zip(pixels, depth, strict=True):
        cell = (at.floor().long() + shift).reshape(-1, 2)  # [K*N,2]
        far, index = far.repeat(len(shift)), torch.arange(len(points)).repeat(len(shift))
        shown = (far > 1e-6) & (cell >= 0).all(1) & (cell[:, 0] < width) & (cell[:, 1] < height)
        place = cell[shown, 1] * width + cell[shown, 0]
        order = far[shown].argsort(descending=True, stable=True)  # the nearest is written last
        nearest = _last_written(place[order], index[shown][order], height * width)
        picture = points.new_tensor(background).repeat(height * width, 1)
        picture[nearest >= 0] = colors[nearest[nearest >= 0]]
        pictures.append(picture.view(height, width, 3).movedim(-1, 0))
    return torch.stack(pictures)


def _last_written(place: Tensor, value: Tensor, count: int) -> Tensor:
    """For each of `count` places the last `value` that names it in `place`, or -1. Safe against scatter's order."""
    last = torch.full((count,), -1)
    last.scatter_reduce_(0, place, torch.arange(len(place)), "amax")
    found = last >= 0
    last[found] = value[last[found]]
    return last
