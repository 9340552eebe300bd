"""Rendering of point clouds by square splats with a depth test."""

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
    """Pictures [V,3,H,W] of the points from all cameras. Points behind a camera or outside the frame are skipped."""
    check_shape("points", points, "N", 3)
    if colors is None:
        colors = points.new_tensor(CLAY).expand_as(points)
    check_shape("colors", colors, len(points), 3)
    pixels, depth = cameras.project(points)
    height, width = cameras.height, cameras.width
    offsets = torch.arange(-size, size + 1)
    shift = torch.stack(torch.meshgrid(offsets, offsets, indexing="xy"), -1).reshape(-1, 1, 2)
    pictures = []
    for positions, depths in zip(pixels, depth, strict=True):
        cell = (positions.floor().long() + shift).reshape(-1, 2)  # [K*N,2]
        depths, index = depths.repeat(len(shift)), torch.arange(len(points)).repeat(len(shift))
        visible = (depths > 1e-6) & (cell >= 0).all(1) & (cell[:, 0] < width) & (cell[:, 1] < height)
        target = cell[visible, 1] * width + cell[visible, 0]
        order = depths[visible].argsort(descending=True, stable=True)  # the nearest is written last
        nearest = _last_written(target[order], index[visible][order], height * width)
        picture = points.new_tensor(background).repeat(height * width, 1)
        picture[nearest >= 0] = colors[nearest[nearest >= 0]]
        pictures.append(picture.view(height, width, 3).movedim(-1, 0))
    return torch.stack(pictures)


def _last_written(target: Tensor, value: Tensor, count: int) -> Tensor:
    """Last `value` that is written to each of `count` targets, or -1. Does not depend on scatter's order."""
    last = torch.full((count,), -1)
    last.scatter_reduce_(0, target, torch.arange(len(target)), "amax")
    written = last >= 0
    last[written] = value[last[written]]
    return last
