"""Cameras in their order, and what they newly show, against the geometry of balls."""

import math

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput, Interrupted
from recon_lib.meshes.mesh import Mesh
from recon_lib.views.next_views import (
    SurfaceVisibility,
    after_pop3d,
    best_views,
    look_from,
    new_areas,
    next_best,
    raised,
    read_directions,
    ring,
    shows_ball,
    surface_visibility,
)
from tests.helpers.shapes import ball, box
from tests.helpers.stop_button import StopButton

FRONT = Cameras.orbit(0.0, 0.0, 3.0, 45.0, 48, 64)


def angles(cameras: Cameras) -> list[tuple[int, int]]:
    """(azimuth, elevation) in whole degrees."""
    x, y, z = cameras.position.T
    azimuth = torch.rad2deg(torch.atan2(x, z)).round().int().tolist()
    return list(zip(azimuth, torch.rad2deg(torch.asin(y / cameras.position.norm(dim=-1))).round().int().tolist(),
                    strict=True))  # fmt: skip


@pytest.fixture(scope="module")
def globe() -> Mesh:
    return ball(3)


def cap(distance: float, max_view_angle: float) -> float:
    """Fraction of the unit sphere at a view angle below `max_view_angle`: law of sines in the triangle of centre,
    surface point and camera."""
    limit = math.radians(max_view_angle)
    return (1 - math.cos(limit - math.asin(math.sin(limit) / distance))) / 2


def test_the_ring_goes_to_both_sides_by_turns():
    assert ring() == [(45, 0), (-45, 0), (90, 0), (-90, 0), (135, 0), (-135, 0), (180, 0)]
    assert ring(180) == [(180, 0)]
    assert ring(100) == [(100, 0), (-100, 0), (180, 0)]
    assert len(ring(30)) == 11 and len(set(ring(30))) == 11


@pytest.mark.parametrize("step", [0.0, -45.0, 4.0, 181.0, float("nan")])
def test_steps_that_lead_nowhere(step):
    with pytest.raises(BadInput, match="step"):
        ring(step)


def test_directions_are_read():
    assert read_directions("45\n-45, 10; 90 -20\n\n") == [(45.0, 0.0), (-45.0, 10.0), (90.0, -20.0)]


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("left", "no direction"), ("1 2 3", "no direction"),
                                             ("10 91", "out of range"), ("nan 0", "out of range")])  # fmt: skip
def test_directions_that_cannot_be_read(text, words):
    with pytest.raises(BadInput, match=words):
        read_directions(text)


def test_cameras_keep_the_lens_and_count_from_the_first():
    first = Cameras.orbit([30.0, 80.0], [20.0, 0.0], [2.5, 9.0], 53.0, 40, 60)
    cameras = look_from([(45.0, 0.0), (-60.0, -30.0), (0.0, 80.0)], first)
    assert angles(cameras)[:2] == [(75, 20), (-30, -10)]
    assert angles(cameras)[2][1] == 90  # no further than straight above
    torch.testing.assert_close(cameras.position.norm(dim=-1), torch.full((3,), 2.5))
    torch.testing.assert_close(cameras.intrinsics, first.intrinsics[:1].repeat(3, 1, 1))
    assert (cameras.height, cameras.width) == (40, 60)
    toward = -cameras.position / 2.5
    torch.testing.assert_close(cameras.rotation[:, :, 2], toward, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "first",
    [
        Cameras.orbit(30.0, 20.0, 2.5, 33.0, 40, 60),
        Cameras.orbit(30.0, 20.0, 2.5, 60.0, 40, 60).cropped(20, 0, 60, 40),
    ],
    ids=["narrow", "off the middle"],
)
def test_a_lens_that_cuts_the_unit_ball_is_changed_for_one_that_the_ball_fills(first, globe):
    assert not shows_ball(look_at_origin(first))
    cameras = look_from([(0.0, 0.0), (90.0, 10.0)], first)
    assert (cameras.height, cameras.width) == (40, 60)
    pixels, depth = cameras.project(globe.vertices)
    radius = (pixels - torch.tensor([30.0, 20.0])).norm(dim=-1).amax(1)
    assert (depth > 0).all()
    assert torch.allclose(radius, torch.full((2,), 0.97 * 20), atol=0.2)
    assert shows_ball(cameras[0])


def look_at_origin(camera: Cameras) -> Cameras:
    """The same lens from the same place, with the origin on the optical axis."""
    turned = Cameras.orbit(30.0, 20.0, 2.5, 33.0, camera.height, camera.width)
    return Cameras(turned.camera_to_world, camera.intrinsics, camera.height, camera.width)


def test_cameras_from_nowhere():
    with pytest.raises(BadInput, match="move it back"):
        look_from([(0.0, 0.0)], Cameras.orbit(0.0, 0.0, 1.01, 45.0, 48, 64))
    with pytest.raises(BadInput, match="at least one"):
        look_from([], FRONT)
    middle = Cameras(torch.eye(4)[None], FRONT.intrinsics, 48, 64)
    with pytest.raises(BadInput, match="middle"):
        look_from([(0.0, 0.0)], middle)


@pytest.mark.parametrize("max_view_angle", [90.0, 75.0, 40.0])
def test_what_one_camera_sees_of_a_ball_is_a_cap(globe, max_view_angle):
    visibility = surface_visibility(globe, FRONT, max_view_angle=max_view_angle, samples=20000)
    assert visibility.seen.shape == (1, 20000)
    assert visibility.coverage == pytest.approx(cap(3.0, max_view_angle), abs=0.012)
    assert visibility.area == pytest.approx(4 * math.pi, rel=0.02)


def test_what_stands_before_it_hides_it():
    """A small box before the front of a large one: the part of the large one's front behind it is not seen."""
    small = box((0.2, 0.2, 0.01)).mapped(lambda v: v + torch.tensor([0.0, 0.0, 0.8]))
    large = box((0.5, 0.5, 0.3))
    both = Mesh(torch.cat([large.vertices, small.vertices]), torch.cat([large.faces, small.faces + 8]))
    far = Cameras.orbit(0.0, 0.0, 100.0, 2.0, 64, 64)
    front = 1.0  # 1 - 0.4^2 of the large front, and all of the small one
    assert surface_visibility(both, far, samples=20000).coverage == pytest.approx(
        front / float(both.face_areas.sum()), abs=0.01
    )


def test_new_area_is_what_nobody_saw(globe):
    seen = surface_visibility(globe, FRONT)
    areas = new_areas(seen, surface_visibility(globe, Cameras.orbit([0.0, 90.0, 180.0], 0.0, 3.0, 45.0, 48, 64)))
    assert areas[0] == 0
    assert 0 < areas[1] < areas[2]  # the caps from the front and the right overlap
    assert float(areas[2]) == pytest.approx(cap(3.0, 75.0) * seen.area, rel=0.06)


def test_the_best_next_view_of_a_ball_is_from_behind(globe):
    candidates = Cameras.orbit([0.0, 60.0, 180.0, 100.0, -100.0], 0.0, 3.0, 45.0, 48, 64)
    before, after = surface_visibility(globe, FRONT), surface_visibility(globe, candidates)
    order = next_best(before, after, 5)
    assert order[0] == 2 and 0 not in order and len(set(order)) == len(order) >= 3
    assert next_best(before, after, 5, enough=before.coverage) == []
    assert next_best(before, after, 1) == [2]


def test_greedy_choice_counts_what_was_chosen():
    """Two candidates show the same large part, a third a small other one."""
    before = SurfaceVisibility(1.0, torch.zeros(1, 10, dtype=torch.bool))
    candidates = torch.zeros(3, 10, dtype=torch.bool)
    candidates[0, :6], candidates[1, :7], candidates[2, 8:] = True, True, True
    assert next_best(before, SurfaceVisibility(1.0, candidates), 3) == [1, 2]
    assert next_best(before, SurfaceVisibility(1.0, candidates), 3, enough=0.7) == [1]
    with pytest.raises(BadInput, match="seen"):
        new_areas(before, SurfaceVisibility(1.0, candidates[:, :4]))


def test_the_schedule_walks_around_then_above():
    assert angles(after_pop3d(FRONT))[:6] == [(45, 0), (-45, 0), (90, 0), (-90, 0), (135, 0), (-135, 0)]
    assert abs(angles(after_pop3d(FRONT))[6][0]) == 180 and len(after_pop3d(FRONT)) == 7
    later = after_pop3d(FRONT, 15)
    assert [e for _, e in angles(later)[7:]] == [30] * 4 + [-30] * 4
    assert len(after_pop3d(FRONT, 3)) == 3


@pytest.mark.parametrize("count", [0, -1, 16])
def test_more_cameras_than_there_are(count):
    with pytest.raises(BadInput, match="1 to 15"):
        after_pop3d(FRONT, count)


def test_raised_cameras_go_where_little_was_seen(globe):
    """Of a flat table, seen around its rim from a little below, the upper side is missing: the first goes above."""
    table = box((0.7, 0.05, 0.7))
    low = Cameras.orbit(0.0, -25.0, 3.0, 45.0, 48, 64)
    chosen = angles(after_pop3d(low, 8, elevation=55.0, hull=table))
    assert len(chosen) == 8 and chosen[7][1] == 30
    assert len(after_pop3d(low, 15, elevation=55.0, hull=table)) == 8  # one view from above shows the rest
    assert len(after_pop3d(FRONT, 15, hull=globe, enough=0.5)) == 7


def test_best_views_end_when_all_is_seen(globe):
    cameras = best_views(FRONT, 15, globe, FRONT)
    assert abs(angles(cameras)[0][0]) >= 135 and len(cameras) < 15
    both = Cameras.cat([FRONT, cameras])
    assert surface_visibility(globe, both).coverage > 0.99
    with pytest.raises(BadInput, match="no camera is needed"):
        best_views(FRONT, 1, globe, Cameras.cat([FRONT, look_from(ring() + raised(), FRONT)]))


def test_it_can_be_stopped(globe):
    with pytest.raises(Interrupted):
        best_views(FRONT, 2, globe, FRONT, check=StopButton(3).check)
