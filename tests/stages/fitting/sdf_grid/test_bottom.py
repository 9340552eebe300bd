"""Round and flat undersides are told apart by the lowest rays of the masks."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.cells import Cells
from recon_lib.stages.fitting.sdf_grid.bottom import Bottom, look_below, lower_outline
from recon_lib.stages.fitting.sdf_grid.silhouettes import Silhouettes
from recon_lib.stages.fitting.sdf_grid.start import find_bounds
from recon_lib.views.views import Views
from tests.helpers.posed import Solid, box, cylinder, posed, sphere

UP = torch.tensor([0.0, 1.0, 0.0])


def ring(count: int) -> Cameras:
    return Cameras.orbit([25 + 360 * i / count for i in range(count)], [20.0] * count, 3.0, 40.0, 64, 64)


def hull_of(views: Views) -> tuple[Cells, Tensor]:
    cells = Cells.within(find_bounds(views), 48)
    return cells, Silhouettes.of(views).inside(cells.positions()).view((48,) * 3)


@pytest.mark.parametrize("count", [3, 6])
def test_a_ball_is_round_below(count: int):
    views = posed(sphere(0.6), ring(count))
    assert look_below(views, *hull_of(views), UP).is_round


@pytest.mark.parametrize(("solid", "count"), [(box((0.5, 0.4, 0.3)), 3), (cylinder(), 6)])
def test_what_stands_flat_has_no_round_bottom(solid: Solid, count: int):
    views = posed(solid, ring(count))
    assert not look_below(views, *hull_of(views), UP).is_round


@pytest.mark.parametrize(("level", "length", "is_round"), [(0.4, 0.3, True), (0.9, 0.3, False), (0.4, 0.1, False)])
def test_round_is_thick_and_narrow(level: float, length: float, is_round: bool):
    assert Bottom(width=1.0, level=level, length=length).is_round == is_round


def test_the_lower_outline_is_one_ray_a_column_however_the_camera_is_held():
    views = posed(box(), ring(1))
    rays = lower_outline(views, 0, UP)
    assert len(rays.origins) == int((views.masks[0, 0] > 0.5).any(0).sum())
    middle = rays.directions[len(rays.directions) // 2]
    assert float(middle @ UP) < float(views.cameras.rotation[0, :, 2] @ UP), "below the optical axis"
    half_turn = torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0]))
    hanging = replace(views.cameras, camera_to_world=views.cameras.camera_to_world @ half_turn)
    turned = Views(views.images.flip(-1, -2), hanging, views.masks.flip(-1, -2))
    assert torch.allclose(lower_outline(turned, 0, UP).directions.flip(0), rays.directions, atol=1e-5)


def test_nothing_is_said_where_no_ray_meets_the_hull():
    views = posed(sphere(0.6), ring(3))
    cells, values = hull_of(views)
    assert look_below(views, cells, torch.full_like(values, -1.0), UP) is None
