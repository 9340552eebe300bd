"""Traced pictures against a sphere's closed form."""

import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.data.solids.generator import random_solid
from recon_lib.data.solids.primitives import Ball, Box
from recon_lib.data.solids.solid import Part, Solid
from recon_lib.data.solids.space import moved
from recon_lib.errors import BadInput
from recon_lib.render.sphere_trace import normals_of, sphere_trace, visibility

BALL = Solid((Part(Ball(0.8)),), ((1.0, 1.0, 1.0),))
CAMERAS = Cameras.orbit([0.0, 70.0], [0.0, 35.0], 3.0, 40.0, 48, 64)


def ball_hits(cameras: Cameras, radius: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask and points [V,H,W(,3)] of the rays' first hits with a ball around the origin."""
    origins, directions = cameras.rays()
    middle = -(origins * directions).sum(-1)
    squared = radius**2 - (origins + middle[..., None] * directions).square().sum(-1)
    near = middle - squared.clamp_min(0).sqrt()
    return squared > 0, origins + near[..., None] * directions


def test_ball_has_its_depth_normals_and_mask() -> None:
    mask, points = ball_hits(CAMERAS, 0.8)
    trace = sphere_trace(BALL, CAMERAS, device="cpu")
    rim = ((points.norm(dim=-1) - 0.8).abs() < 1e-4) != mask  # none: the closed form is consistent
    assert not rim.any()
    disagree = (trace.mask[:, 0] > 0) != mask
    assert disagree.float().mean() < 2e-3
    both = mask & ~disagree
    depth = torch.stack([CAMERAS[i].to_camera(points[i].reshape(-1, 3))[0, :, 2].reshape(48, 64) for i in range(2)])
    torch.testing.assert_close(trace.depth[:, 0][both], depth[both], atol=0.02, rtol=0)
    assert (trace.depth[:, 0][both] - depth[both]).abs().median() < 5e-4
    facing = torch.einsum("vij,vhwi->vhwj", CAMERAS.rotation, points / 0.8)
    assert (trace.normals.permute(0, 2, 3, 1)[both] * facing[both]).sum(-1).min() > 0.999
    assert (trace.depth[:, 0][~mask & ~disagree] == 0).all() and (trace.parts[:, 0][~mask & ~disagree] == -1).all()


def test_camera_before_the_ball_looking_away_sees_nothing() -> None:
    away = Cameras.look_at(torch.tensor([[0.0, 0.0, 2.0]]), torch.tensor([0.0, 0.0, 5.0]), 40.0, 8, 8)
    trace = sphere_trace(BALL, away, device="cpu")
    assert not trace.mask.any() and not trace.normals.any()


def test_parts_are_seen_where_they_are() -> None:
    solid = Solid((Part(moved(Ball(0.3), x=-0.5), 0), Part(moved(Ball(0.3), x=0.5), 1)), ((1.0, 0, 0), (0, 1.0, 0)))
    trace = sphere_trace(solid, Cameras.orbit(0.0, 0.0, 3.0, 40.0, 32, 32), device="cpu")
    columns = (trace.parts[0, 0] == 1).nonzero()[:, 1]
    assert columns.min() > 16  # +x is to the right of the azimuth-0 camera
    assert ((trace.parts[0, 0] == 0).nonzero()[:, 1] < 16).all()


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_thin_plates_are_never_missed(step: float) -> None:
    plate = Solid((Part(Box((0.7, 0.7, 0.004))),), ((1.0, 1.0, 1.0),))
    trace = sphere_trace(plate, Cameras.orbit(0.0, 0.0, 3.0, 10.0, 24, 24), step=step, device="cpu")
    assert trace.mask.all()
    torch.testing.assert_close(trace.depth, torch.full_like(trace.depth, 2.996), atol=1e-3, rtol=0)


def test_full_step_and_half_step_agree_on_a_warped_solid() -> None:
    solid = random_solid(3, "abstract")
    camera = Cameras.orbit(30.0, 20.0, 3.0, 40.0, 48, 48)
    full, half = (sphere_trace(solid, camera, step=s, steps=n, device="cpu") for s, n in ((1.0, 256), (0.5, 600)))
    assert (full.mask != half.mask).float().mean() < 0.01
    both = (full.mask * half.mask) > 0
    assert (full.depth - half.depth)[both].abs().median() < 1e-3


def test_shadow_of_a_ball_on_a_plate() -> None:
    solid = Solid((Part(Box((0.7, 0.05, 0.7))), Part(moved(Ball(0.2), y=0.5))), ((1.0, 1.0, 1.0),))
    points = torch.tensor([[0.0, 0.05, 0.0], [0.6, 0.05, 0.0], [0.0, 0.7, 0.0], [0.0, -0.05, 0.0]])
    normals = torch.tensor([[0.0, 1, 0], [0.0, 1, 0], [0.0, 1, 0], [0.0, -1, 0]])
    seen = visibility(solid, points, normals, torch.tensor([0.0, 1.0, 0.0]))
    assert seen[0] == 0 and seen[1] == 1 and seen[2] == 1 and seen[3] == 0


def test_penumbra_grows_smoothly_across_the_shadows_edge() -> None:
    solid = Solid((Part(Box((0.9, 0.02, 0.4))), Part(moved(Ball(0.2), y=0.5))), ((1.0, 1.0, 1.0),))
    x = torch.linspace(0.0, 0.5, 40)
    points = torch.stack([x, torch.full_like(x, 0.02), torch.zeros_like(x)], -1)
    seen = visibility(solid, points, torch.tensor([[0.0, 1.0, 0.0]]).expand(40, 3), torch.tensor([0.0, 1.0, 0.0]))
    assert (seen.diff() >= -1e-3).all() and ((seen > 0.05) & (seen < 0.95)).sum() >= 1


def test_normals_of_a_ball_and_of_nothing() -> None:
    points = F.normalize(torch.randn(500, 3), dim=-1) * 0.8
    assert (normals_of(BALL.distance, points) * points / 0.8).sum(-1).min() > 0.9999
    assert normals_of(BALL.distance, torch.zeros(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("step", [0.0, -1.0, 1.5])
def test_unsafe_steps_are_refused(step: float) -> None:
    with pytest.raises(BadInput, match="step"):
        sphere_trace(BALL, CAMERAS, step=step)
