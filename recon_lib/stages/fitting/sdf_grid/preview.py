"""A quick picture of a grid that is being fitted."""

import torch
from torch import Tensor

from ....cameras.camera import Cameras
from ....render.near_surface import nearest_surface
from .grid import FittedGrid

SIDE = 96  # pixels, of the shorter side
TOLERANCE = 0.2  # spacings


@torch.no_grad()
def quick_picture(grid: FittedGrid, camera: Cameras) -> Tensor:
    """What one camera sees of the surface, before white. -> [3,H,W]"""
    scale = SIDE / min(camera.height, camera.width)
    small = camera.resized(round(camera.height * scale), round(camera.width * scale))
    origins, directions = (x.reshape(-1, 3) for x in small.rays())
    cells = grid.cells
    whole = grid.whole.view((cells.nodes,) * 3)
    found = nearest_surface(
        lambda p: cells.read(whole, p), origins, directions, cells.bounds, TOLERANCE * cells.spacing
    )
    picture = torch.ones(len(origins), 3)
    rows = found.hit.nonzero().flatten()
    points = origins[rows] + found.t[rows, None] * directions[rows]
    picture[rows] = grid.color(points, directions[rows])
    return picture.view(small.height, small.width, 3).permute(2, 0, 1)
