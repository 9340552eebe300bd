"""A quick picture of a grid that is being fitted."""

from torch import Tensor

from ....cameras.camera import Cameras
from ....render.near_surface import SurfaceSampler
from ....render.rays import render_image
from .grid import FittedGrid

SIDE = 96  # pixels, of the shorter side
TOLERANCE = 0.2  # spacings


def quick_picture(grid: FittedGrid, camera: Cameras) -> Tensor:
    """One camera's picture [3,H,W] of the surface, over white."""
    scale = SIDE / min(camera.height, camera.width)
    small = camera.resized(round(camera.height * scale), round(camera.width * scale))
    sampler = SurfaceSampler(TOLERANCE * grid.cells.spacing)
    return render_image(grid, sampler, small, chunk=small.height * small.width)[0]
