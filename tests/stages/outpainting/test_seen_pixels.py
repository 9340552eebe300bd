"""Observed pixels of a rough ball, against those of the smooth one."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.meshes.mesh import Mesh
from recon_lib.render.mesh import render_mesh
from recon_lib.render.projection import Projector
from recon_lib.render.rasterize import rasterize
from recon_lib.stages.outpainting.seen_pixels import Surface, majority, observed_pixels, with_mean_normals
from tests.helpers.shapes import ball

EDGE, MAX_VIEW_ANGLE_DEG = 0.025, 75.0  # of the ball's triangles, about; degrees


@pytest.fixture(scope="module")
def smooth() -> Mesh:
    return ball(5).mapped(lambda v: 0.8 * v)


@pytest.fixture(scope="module")
def rough(smooth) -> Mesh:
    """Every vertex moved along its normal by up to 0.6 of an edge."""
    moves = torch.rand(len(smooth.vertices), 1, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return smooth.mapped(lambda v: v * (1 + moves * EDGE / 1.6 / 0.8))


def camera(azimuth: float) -> Cameras:
    return Cameras.orbit(azimuth, 0.0, 3.5, 40.0, 128, 128)


def seen_of(mesh: Mesh, cell: float, azimuth: float) -> torch.Tensor:
    """[H,W] bool, from `azimuth`, when the front was seen."""
    views = render_mesh(mesh, camera(0.0), shading="albedo", supersample=1).as_views(camera(0.0))
    seen, _ = observed_pixels(
        Surface(mesh, cell), rasterize(mesh, camera(azimuth)), Projector.prepare(views, mesh), MAX_VIEW_ANGLE_DEG
    )
    return seen[0, 0]


def truth(azimuth: float) -> torch.Tensor:
    """View angles [H,W], degrees, of the smooth ball's points from the front's camera; NaN beside the ball."""
    there = camera(azimuth)
    depth = render_mesh(ball(5).mapped(lambda v: 0.8 * v), there, supersample=1).depth
    points = there.unproject(depth)[0]
    toward = F.normalize(camera(0.0).position - points, dim=-1)
    angle = torch.rad2deg(torch.acos((toward * F.normalize(points, dim=-1)).sum(-1).clamp(-1, 1)))
    return torch.where(depth[0, 0] > 0, angle, float("nan"))


@pytest.mark.parametrize("azimuth", [60.0, -60.0])
def test_a_rough_ball_was_seen_where_the_smooth_one_was(rough, azimuth):
    angle = truth(azimuth)
    true, on = angle < MAX_VIEW_ANGLE_DEG, angle.isfinite()
    observed, literal = (seen_of(rough, cell, azimuth) & on for cell in (EDGE, 0.0))
    recall, precision = (float((observed & true).sum() / total.sum()) for total in (true, observed))
    assert recall > 0.97 and precision > 0.96
    assert float((literal & true).sum() / true.sum()) < 0.9, "else the ball is not rough enough to prove it"
    inner = angle < MAX_VIEW_ANGLE_DEG - 8
    assert float((observed & inner).sum() / inner.sum()) > 0.999, "no speckles away from the limit"


def test_an_exact_mesh_is_taken_at_its_word(smooth):
    angle = truth(60.0)
    seen = seen_of(smooth, 0.0, 60.0)
    assert seen[angle < MAX_VIEW_ANGLE_DEG - 3].all() and not seen[angle > MAX_VIEW_ANGLE_DEG + 1.5].any()


def test_mean_normals_are_the_smooth_balls(rough):
    radial = F.normalize(rough.vertices, dim=-1)
    error = [
        float((mesh.vertex_normals * radial).sum(-1).clamp(-1, 1).acos().mean())
        for mesh in (rough.with_normals(), with_mean_normals(rough, 0), with_mean_normals(rough, 3))
    ]
    assert error[1] == pytest.approx(error[0], rel=0.2) and error[2] < 0.4 * error[0]


def test_single_pixels_follow_those_around_them():
    seen, covered = torch.zeros(1, 1, 7, 9, dtype=torch.bool), torch.ones(1, 1, 7, 9, dtype=torch.bool)
    seen[..., :4] = True
    whole = seen.clone()
    seen[..., 3, 1], seen[..., 3, 6] = False, True
    assert torch.equal(majority(seen, covered), whole)
    covered[..., 4:] = False
    assert torch.equal(majority(seen, covered), whole & covered), "where there is no surface, nobody votes"
