"""Distances to outlines, and the hull that they make, against closed forms."""

import math

import pytest
import torch
import torch.nn.functional as F

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.fields.field import Field
from recon_lib.fields.hull import BOUNDLESS, HullField, signed_distance
from tests.helpers.hulls import around, ball_mask, box_mask, masked, straight
from tests.helpers.stop_button import StopButton


def pixels(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    at = torch.arange(size) + 0.5
    return at[None], at[:, None]


@pytest.mark.parametrize("edge", [9.0, 9.3, 9.5, 9.8, 10.0])
def test_a_straight_edge_is_found_between_pixels(edge):
    x, _ = pixels(20)
    share = (edge - x + 0.5).clamp(0, 1).expand(12, 20)  # area of each pixel left of the edge
    distance = signed_distance(share[None, None])[0, 0]
    torch.testing.assert_close(distance, (edge - x).expand(12, 20), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("soft", "spread"), [(False, 0.25), (True, 0.15)])
def test_a_discs_outline(soft, spread):
    """Along rays from the centre the bilinear distance falls through 0 where the disc ends, nearer with soft masks."""
    at = (torch.arange(96 * 8) + 0.5) / 8
    fine = (torch.hypot(at[None] - 47.3, at[:, None] - 48.9) < 30.4).float()[None, None]
    mask = F.avg_pool2d(fine, 8) if soft else fine[..., 4::8, 4::8]
    angle, step = torch.linspace(0, 2 * math.pi, 500)[:, None], torch.linspace(-2, 2, 401)
    place = torch.stack([47.3 + (30.4 + step) * angle.cos(), 48.9 + (30.4 + step) * angle.sin()], -1)
    value = F.grid_sample(signed_distance(mask), (place / 48 - 1)[None], align_corners=False)[0, 0]
    assert (value.diff(dim=1) < 0).all()
    end = (value > 0).sum(1) * 0.01 - 2  # pixels beyond the true end
    assert end.abs().max() < 0.6 and end.mean().abs() < 0.1 and end.std() < spread


@pytest.mark.parametrize("soft", [False, True])
def test_distances_far_from_a_disc(soft):
    x, y = pixels(96)
    true = 30.4 - torch.hypot(x - 47.3, y - 48.9)
    mask = (true + 0.5).clamp(0, 1) if soft else (true > 0).float()
    error = (signed_distance(mask[None, None])[0, 0] - true).abs()
    assert error.max() < 1 and error.mean() < 0.3


def test_the_pictures_edge_is_no_outline():
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 10:] = 1
    distance = signed_distance(mask)[0, 0]
    torch.testing.assert_close(distance[3], torch.arange(16) - 9.5)


def test_masks_without_an_outline():
    distance = signed_distance(torch.stack([torch.zeros(1, 4, 5), torch.ones(1, 4, 5)]))
    assert (distance[0] == -BOUNDLESS).all() and (distance[1] == BOUNDLESS).all()


def test_a_hull_is_a_field():
    cameras = around(2, 32)
    hull = HullField.of(masked(cameras, ball_mask(cameras, 0.5)), radius=0.7)
    assert isinstance(hull, Field) and not hull.has_color
    torch.testing.assert_close(hull.bounds, torch.tensor([[-0.7] * 3, [0.7] * 3]))
    with pytest.raises(NotImplementedError, match="texture"):
        hull.color(torch.zeros(1, 3))
    with pytest.raises(BadInput, match="points"):
        hull.inside(torch.zeros(3))


def test_one_view_of_a_ball_leaves_its_cone():
    """Inside the cone a point's value is about its distance to it, and nothing lies beyond the ball of the radius."""
    distance, radius = 3.0, 0.5
    cameras = Cameras.orbit(0.0, 0.0, distance, 60.0, 512, 512)  # shows the whole cube
    hull = HullField.of(masked(cameras, ball_mask(cameras, radius)), margin=0.0)
    points = torch.rand(4000, 3) * 2 - 1
    across, along = points[:, :2].norm(dim=-1), distance - points[:, 2]
    slope = math.tan(math.asin(radius / distance))
    cone = along * slope - across  # distance to the cone, measured across the view's axis
    true = torch.minimum(cone, 1 - points.norm(dim=-1))
    value = hull.inside(points)
    pixel = 4 / cameras.intrinsics[0, 0, 0]
    torch.testing.assert_close(value, true, atol=float(pixel), rtol=0)


def test_a_margin_moves_the_surface_by_as_many_pixels():
    cameras = straight("z")
    pixel = 200.0 / float(cameras.intrinsics[0, 0, 0])
    views = masked(cameras, box_mask(cameras))
    points = torch.tensor([[0.5 + step * pixel, 0.0, 0.0] for step in (-4, -2, 0, 2, 4)])
    plain, wide = (HullField.of(views, margin).inside(points) for margin in (0.0, 3.0))
    torch.testing.assert_close(wide - plain, torch.full((5,), 3 * pixel), atol=1e-4, rtol=0)
    assert (plain > 0).tolist()[0::2] == [True, plain[2] > 0, False] and (wide > 0).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize("half", [(0.5, 0.5, 0.5), (0.3, 0.6, 0.45)])
def test_three_straight_views_of_a_box_leave_the_box(half):
    cameras = straight("zxy")
    hull = HullField.of(masked(cameras, box_mask(cameras, half)), margin=0.0)
    points = (torch.rand(20000, 3) * 2 - 1) * 0.57
    true = (torch.tensor(half) - points.abs()).amin(-1)
    clear = true.abs() > 0.012  # a pixel, and rays that are parallel to 1/200
    assert torch.equal((hull.inside(points) > 0)[clear], (true > 0)[clear])


def test_what_a_picture_does_not_show_is_not_carved():
    wide = Cameras.orbit(0.0, 0.0, 3.0, 40.0, 64, 64)
    cameras = wide.cropped(32, 0, 32, 64)  # the right half
    hull = HullField.of(masked(cameras, torch.zeros(1, 1, 64, 32)))
    points = torch.tensor([[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.5, 0.0, 5.0]])  # left half, right half, behind
    assert (hull.silhouette_distance(0, points) == float("inf")).tolist() == [True, False, True]
    assert (hull.inside(points[:2]) > 0).tolist() == [True, False]


def test_depth_carves_what_lies_before_the_seen_surface():
    """A wall seen at depth 3 in the left half of the picture, nothing known in the right half."""
    cameras = Cameras.orbit(0.0, 0.0, 3.0, 40.0, 64, 64)
    masks = torch.ones(1, 1, 64, 64)
    depth = torch.zeros(1, 1, 64, 64)
    depth[..., :32] = 3.0
    hull = HullField.of(masked(cameras, masks, depth=depth), margin=1.0, depth_slack=0.1)
    x, z = torch.meshgrid(torch.tensor([-0.5, 0.5]), torch.tensor([0.3, 0.11, 0.09, -0.5]), indexing="ij")
    points = torch.stack([x, torch.zeros_like(x), z], -1).reshape(-1, 3)
    inside = (hull.inside(points) > 0).view(2, 4)
    assert inside.tolist() == [[False, False, True, True], [True] * 4]
    torch.testing.assert_close(hull.inside(points[:1]), torch.tensor([-0.2]))
    blind = HullField.of(masked(cameras, masks, depth=depth))
    assert (blind.inside(points) > 0).all()


def test_at_a_depth_edge_the_nearer_surface_counts():
    cameras = Cameras.orbit(0.0, 0.0, 3.0, 40.0, 64, 64)
    depth = torch.full((1, 1, 64, 64), 3.5)
    depth[..., :32] = 2.5
    views = masked(cameras, torch.ones(1, 1, 64, 64), depth=depth)
    at = torch.tensor([0.4, 1.4, 2.4, 4.0])[:, None] * torch.tensor([3 / cameras.intrinsics[0, 0, 0], 0, 0])
    open_pixels = [int((HullField.of(views, margin, depth_slack=0.0).inside(at) > 0).sum()) for margin in (1.0, 2.0)]
    assert open_pixels == [1, 2]  # to the edge's right, points at depth 3 are free only beyond the margin


def test_on_a_device_it_is_the_same_hull():
    cameras = around(2, 32)
    views = masked(cameras, ball_mask(cameras, 0.5), depth=ball_mask(cameras, 0.5) * 3)
    hull = HullField.of(views, depth_slack=0.0)
    points = torch.rand(10, 3)
    torch.testing.assert_close(hull.to("cpu").inside(points), hull.inside(points))


def test_measuring_the_masks_can_be_stopped():
    cameras = around(3, 32)
    with pytest.raises(Interrupted):
        HullField.of(masked(cameras, ball_mask(cameras, 0.5)), check=StopButton(2).check)
