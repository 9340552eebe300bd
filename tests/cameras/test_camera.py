import math
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from recon_lib.cameras.camera import FLIP_YZ, Cameras, intrinsics_from_fov
from recon_lib.errors import BadInput

CLOSE = {"atol": 1e-5, "rtol": 0}


def random_orbit(count=20, height=48, width=64):
    azimuth, elevation = torch.rand(count) * 360 - 180, torch.rand(count) * 170 - 85
    return Cameras.orbit(azimuth, elevation, torch.rand(count) * 2 + 2, torch.rand(count) * 60 + 20, height, width)


# -- orbit and look-at ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("azimuth", "elevation", "direction"),
    [
        (0, 0, (0, 0, 1)),  # the input view looks from +z
        (90, 0, (1, 0, 0)),  # azimuth grows to the right
        (-90, 0, (-1, 0, 0)),
        (180, 0, (0, 0, -1)),
        (0, 90, (0, 1, 0)),  # elevation grows upward
        (0, -90, (0, -1, 0)),
        (90, 30, (math.cos(math.pi / 6), 0.5, 0)),
        (45, 0, (math.sqrt(0.5), 0, math.sqrt(0.5))),
    ],
)
def test_orbit_positions(azimuth, elevation, direction):
    cameras = Cameras.orbit(azimuth, elevation, distance=2.5)
    assert torch.allclose(cameras.position[0], 2.5 * torch.tensor(direction, dtype=torch.float32), **CLOSE)


def test_orbit_broadcasts_scalars_and_lists():
    cameras = Cameras.orbit([0.0, 90.0, 180.0], 10.0, [2.0, 3.0, 4.0])
    assert len(cameras) == 3
    assert torch.allclose(cameras.position.norm(dim=-1), torch.tensor([2.0, 3.0, 4.0]))


def test_the_input_camera_is_the_flipped_identity():
    camera = Cameras.orbit(0, 0, 3)
    assert torch.allclose(camera.rotation[0], FLIP_YZ, **CLOSE)


def test_rotations_are_proper_and_level_and_look_at_the_origin():
    cameras = random_orbit()
    identity = torch.eye(3).expand(len(cameras), 3, 3)
    assert torch.allclose(cameras.rotation.mT @ cameras.rotation, identity, **CLOSE)
    assert torch.allclose(torch.linalg.det(cameras.rotation), torch.ones(len(cameras)), **CLOSE)
    assert torch.allclose(cameras.rotation[:, 1, 0], torch.zeros(len(cameras)), **CLOSE)  # right is horizontal
    assert (cameras.rotation[:, 1, 1] < 0).all()  # down points down
    centre, depth = cameras.project(torch.zeros(1, 3))
    assert torch.allclose(centre[:, 0], torch.tensor([32.0, 24.0]).expand(len(cameras), 2), atol=1e-3)
    assert torch.allclose(depth[:, 0], cameras.position.norm(dim=-1), **CLOSE)


@pytest.mark.parametrize("pole", [90, -90])
@pytest.mark.parametrize("azimuth", [0, 90, 200])
def test_near_the_poles_the_azimuth_still_tells_what_is_right(pole, azimuth):
    angle = math.radians(azimuth)
    right = torch.tensor([math.cos(angle), 0, -math.sin(angle)])
    for off in (0.0, 0.001, 0.03, 0.08, 0.1, 0.2):  # degrees; no step may turn the image
        elevation = pole - math.copysign(off, pole)
        rotation = Cameras.orbit(azimuth, elevation).rotation[0]
        assert torch.allclose(rotation[:, 0], right, atol=1e-4)
        assert torch.allclose(rotation.mT @ rotation, torch.eye(3), **CLOSE)


def test_look_at_projects_the_target_to_the_centre():
    target = torch.tensor([0.3, -0.2, 0.5])
    cameras = Cameras.look_at(torch.tensor([[2.0, 1.0, 3.0], [0.3, 5.0, 0.5]]), target, 40.0, 10, 20)
    pixels, depth = cameras.project(target[None])
    assert torch.allclose(pixels[:, 0], torch.tensor([10.0, 5.0]).expand(2, 2), atol=1e-4)
    assert torch.allclose(depth[:, 0], (cameras.position - target).norm(dim=-1), **CLOSE)


def test_looking_straight_down_the_top_of_the_image_is_away_from_the_viewer():
    rotation = Cameras.look_at(torch.tensor([[0.0, 3.0, 0.0]]), torch.zeros(3), 40.0, 8, 8).rotation[0]
    assert torch.allclose(rotation[:, 1], torch.tensor([0.0, 0.0, 1.0]), **CLOSE)  # down in the image is +z


@pytest.mark.parametrize("up", [(0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)])
def test_looking_along_any_up_gives_a_rotation(up):
    for side in (1, -1):
        rotation = Cameras.look_at(side * 3 * torch.tensor([up]), torch.zeros(3), 40.0, 8, 8, up=up).rotation[0]
        assert torch.allclose(rotation.mT @ rotation, torch.eye(3), **CLOSE)


# -- projection and rays ----------------------------------------------------------------------------------


def test_projection_in_closed_form():
    camera = Cameras.orbit(0, 0, 3, fov=90, height=100, width=200)  # focal 50
    pixels, depth = camera.project(torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 4.0]]))
    assert torch.allclose(depth[0], torch.tensor([2.0, 2.0, 2.0, -1.0]), **CLOSE)
    expected = torch.tensor([[100.0, 50.0], [125.0, 50.0], [100.0, 25.0]])  # +x is right, +y is up
    assert torch.allclose(pixels[0, :3], expected, atol=1e-4)


def test_unproject_and_project_are_inverse():
    cameras = random_orbit(5)
    depth = torch.rand(5, 1, 48, 64) * 3 + 0.5
    points = cameras.unproject(depth)
    pixels, again = cameras.project(points.flatten(1, 2))
    assert torch.allclose(again, depth.flatten(1), atol=1e-4)
    assert torch.allclose(pixels, cameras.pixel_centres().flatten(0, 1).expand(5, -1, -1), atol=1e-2)


def test_no_depth_gives_the_optical_centre():
    cameras = random_orbit(2)
    points = cameras.unproject(torch.zeros(2, 1, 48, 64))
    assert torch.allclose(points, cameras.position[:, None, None].expand_as(points))


def test_rays_go_through_pixel_centres():
    cameras = random_orbit(4)
    origin, direction = cameras.rays()
    assert torch.allclose(direction.norm(dim=-1), torch.ones(4, 48, 64), **CLOSE)
    pixels, _ = cameras.project((origin + 2 * direction).flatten(1, 2))
    assert torch.allclose(pixels, cameras.pixel_centres().flatten(0, 1).expand(4, -1, -1), atol=1e-3)


def test_pixel_centres_are_at_one_half():
    centres = Cameras.orbit(0, height=2, width=3).pixel_centres()
    assert centres.shape == (2, 3, 2)
    assert centres[0, 0].tolist() == [0.5, 0.5]
    assert centres[1, 2].tolist() == [2.5, 1.5]


def test_depth_is_along_the_axis_not_the_ray():
    camera = Cameras.orbit(0, 0, 3, fov=90, height=64, width=64)
    plane = camera.unproject(torch.full((1, 1, 64, 64), 2.0))
    assert torch.allclose(plane[..., 2], torch.ones(1, 64, 64), **CLOSE)  # the plane z = 3 - 2


def test_world_and_camera_frames_are_inverse():
    cameras, points = random_orbit(3), torch.randn(3, 10, 3)
    assert torch.allclose(cameras.to_world(cameras.to_camera(points)), points, atol=1e-5)
    assert cameras.to_camera(points[0]).shape == (3, 10, 3)


# -- fields of view, crops, sizes -------------------------------------------------------------------------


@pytest.mark.parametrize("fov", [5.0, 40.0, 90.0, 150.0])
def test_field_of_view_and_focal_length_are_inverse(fov):
    matrix = intrinsics_from_fov(fov, 100, 60, 1)[0]
    assert math.degrees(2 * math.atan(50 / float(matrix[1, 1]))) == pytest.approx(fov, abs=1e-4)
    assert Cameras.orbit(0, fov=fov, height=100, width=60).vertical_fov.item() == pytest.approx(fov, abs=1e-3)
    assert matrix[0, 2] == 30
    assert matrix[1, 2] == 50


def test_the_field_of_view_meets_the_image_edge():
    camera = Cameras.orbit(0, 0, 3, fov=60, height=80, width=80)
    top = torch.tensor([[0.0, 3 * math.tan(math.radians(30)), 0.0]])
    assert camera.project(top)[0][0, 0, 1].item() == pytest.approx(0, abs=1e-3)


def test_resizing_and_cropping_move_pixels_as_they_move_the_image():
    cameras, points = random_orbit(4), torch.randn(30, 3) * 0.5
    pixels = cameras.project(points)[0]
    doubled = cameras.resized(96, 192)  # twice as high, three times as wide
    assert torch.allclose(doubled.project(points)[0], pixels * torch.tensor([3.0, 2.0]), atol=1e-2)
    window = cameras.cropped(-5, 7.5, 20, 30)
    assert (window.height, window.width) == (30, 20)
    assert torch.allclose(window.project(points)[0], pixels - torch.tensor([-5.0, 7.5]), atol=1e-3)
    assert (cameras.height, cameras.width) == (48, 64)  # the original stays


def test_rays_of_a_crop_are_a_crop_of_the_rays():
    cameras = random_orbit(2)
    directions = cameras.rays()[1]
    assert torch.allclose(cameras.cropped(10, 20, 8, 6).rays()[1], directions[:, 20:26, 10:18], **CLOSE)


# -- batches and errors -----------------------------------------------------------------------------------


def test_batches_split_and_join():
    cameras = random_orbit(3)
    joined = Cameras.cat(list(cameras))
    assert torch.equal(joined.camera_to_world, cameras.camera_to_world)
    assert len(cameras[-1]) == 1
    assert torch.equal(cameras[torch.tensor([2, 1])].intrinsics, cameras.intrinsics[[2, 1]])
    for index in (3, -4):
        with pytest.raises(IndexError):
            cameras[index]
    with pytest.raises(FrozenInstanceError):
        cameras.height = 3


@pytest.mark.parametrize("fov", [0.0, 180.0, -20.0, float("nan"), [40.0, 200.0]])
def test_refuses_impossible_fields_of_view(fov):
    with pytest.raises(BadInput, match="Field of view"):
        Cameras.orbit([0.0, 10.0], fov=fov)


def test_refuses_broken_cameras():
    camera = Cameras.orbit(0)
    with pytest.raises(BadInput, match="stands on the point"):
        Cameras.look_at(torch.zeros(1, 3), torch.zeros(3), 40.0, 8, 8)
    with pytest.raises(BadInput, match="image size 8x0"):
        Cameras(camera.camera_to_world, camera.intrinsics, 0, 8)
    with pytest.raises(BadInput, match="camera_to_world holds NaN"):
        Cameras(camera.camera_to_world * float("nan"), camera.intrinsics, 8, 8)
    with pytest.raises(BadInput, match="intrinsics has shape"):
        Cameras(camera.camera_to_world, camera.intrinsics.repeat(2, 1, 1), 8, 8)
    with pytest.raises(BadInput, match="share one image size"):
        Cameras.cat([camera, Cameras.orbit(0, height=8)])
    with pytest.raises(BadInput, match="share one image size"):
        Cameras.cat([])
    with pytest.raises(BadInput, match="depth has shape"):
        camera.unproject(torch.zeros(1, 1, 4, 4))


# -- far from zero ----------------------------------------------------------------------------------------


def test_positions_counted_from_another_origin():
    cameras = replace(random_orbit(3), origin=(5e6, -5e5, 0.25))
    moved = cameras.moved_to((5e6 - 8, -5e5, 0.0))
    torch.testing.assert_close(moved.position, cameras.position + torch.tensor([8.0, 0, 0.25]))
    assert moved.moved_to(moved.origin) is moved and moved[1].origin == moved.resized(8, 8).origin == moved.origin
    assert Cameras.cat([moved, moved]).origin == moved.origin
    with pytest.raises(BadInput, match="different origins"):
        Cameras.cat([cameras, moved])
    with pytest.raises(BadInput, match="origin"):
        replace(cameras, origin=(float("nan"), 0.0, 0.0))
