import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.fields.cells import Cells
from recon_lib.fields.distance_grid import DistanceGrid
from recon_lib.progress import Progress
from recon_lib.stages.posing.surface import Surface, hull_surface, sample_surface, trace
from tests.helpers.posed import around, posed, sphere

RADIUS = 0.6
CAMERAS = Cameras.orbit([0.0, 120.0, 240.0], 15.0, 3.0, 40.0, 64, 64)


def ball() -> DistanceGrid:
    cells = Cells.within(torch.tensor([[-1.0] * 3, [1.0] * 3]), 48)
    return DistanceGrid(cells, sphere(RADIUS).distance(cells.positions()).view(48, 48, 48))


def sampled() -> Surface:
    return sample_surface(ball(), CAMERAS, 80, 40, torch.Generator().manual_seed(0))


def test_points_lie_on_the_surface_and_are_seen_from_their_side():
    surface = sampled()
    torch.testing.assert_close(
        surface.points.norm(dim=-1), torch.full((len(surface.points),), RADIUS), atol=8e-3, rtol=0
    )
    to_camera = CAMERAS.position - surface.points[:, None]
    assert bool(((to_camera * surface.normals[:, None]).sum(-1)[surface.visible] > 0).all())
    assert bool(surface.visible.any(1).all())


def test_rims_lie_on_the_outermost_pixels_that_are_hit():
    surface = sampled()
    assert surface.rim_view.bincount().tolist() == [40] * len(CAMERAS)
    assert bool(((surface.rim_distance > 0) & (surface.rim_distance < 1.5)).all())
    torch.testing.assert_close(surface.rims.norm(dim=-1), torch.full((len(surface.rims),), RADIUS), atol=8e-3, rtol=0)
    ray = torch.nn.functional.normalize(surface.rims - CAMERAS.position[surface.rim_view], dim=-1)
    assert float((ray * surface.rim_normals).sum(-1).abs().max()) < 1e-5
    assert float((ray * surface.rims).sum(-1).abs().max()) < 0.6 * RADIUS


def test_depth_of_a_ball():
    depth = trace(ball(), CAMERAS)
    assert float(depth[0, 32, 32]) == pytest.approx(3.0 - RADIUS, abs=0.02)
    assert float(depth[0, 0, 0]) == 0.0


def test_the_hull_of_a_ball_is_a_little_larger():
    hull = hull_surface(posed(sphere(RADIUS), around(6, 48)), 32, 0.0, Progress())
    assert 0.9 * RADIUS < float(hull.inside(torch.zeros(1, 3))) < 1.3 * RADIUS
