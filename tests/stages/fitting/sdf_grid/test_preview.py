"""The picture that is shown while a grid is fitted."""

import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.cells import Cells
from recon_lib.networks.volsdf.grid_color import GridColor
from recon_lib.stages.fitting.sdf_grid.grid import FittedGrid
from recon_lib.stages.fitting.sdf_grid.preview import SIDE, quick_picture
from recon_lib.stages.fitting.sdf_grid.settings import Rates
from recon_lib.stages.fitting.sdf_grid.start import ColorStart
from tests.helpers.posed import sphere

CAMERA = Cameras.orbit(0.0, 0.0, 3.0, 40.0, 300, 400)


def ball_grid(known: bool = True) -> FittedGrid:
    cells = Cells(torch.tensor([-0.8] * 3), 1.6, 33)
    distance = (cells.positions().norm(dim=-1) - 0.6).view(33, 33, 33)
    grid = FittedGrid(cells, distance, ColorStart(sphere(), 6), GridColor(6, 8), 0.05)
    if known:
        grid.touch((distance.view(-1).abs() < 0.1).nonzero().flatten(), Rates())
    return grid


def test_the_ball_before_white():
    picture = quick_picture(ball_grid(), CAMERA)
    assert picture.shape == (3, SIDE, SIDE * 4 // 3)
    small = CAMERA.resized(*picture.shape[1:])
    origins, directions = (rays[0] for rays in small.rays())
    away = torch.linalg.cross(-origins, directions).norm(dim=-1)
    assert (picture[:, away > 0.62] == 1).all()
    middle = (origins.square().sum(-1) - away.square()).sqrt()
    points = origins + (middle - (0.36 - away.square()).clamp_min(0).sqrt())[..., None] * directions
    inside = away < 0.55
    expected = sphere().color(points[inside]).clamp(0.02, 0.98)
    assert (picture.permute(1, 2, 0)[inside] - expected).abs().max() < 0.05


def test_grey_before_anything_is_known():
    picture = quick_picture(ball_grid(known=False), CAMERA)
    assert (picture[:, SIDE // 2, SIDE * 2 // 3] == 0.5).all() and (picture[:, 0, 0] == 1).all()


def test_it_carries_no_gradient():
    assert not quick_picture(ball_grid(), CAMERA).requires_grad
