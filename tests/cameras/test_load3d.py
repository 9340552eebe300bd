import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.cameras.load3d import from_load3d, to_load3d
from recon_lib.errors import BadInput

OLD = {
    "position": {"x": 0.0, "y": 2.5, "z": 7.5},
    "target": {"x": 0.0, "y": 2.5, "z": 0.0},
    "zoom": 1,
    "cameraType": "perspective",
}


def test_the_viewers_front_is_the_input_view():
    """The unit sphere is 5 high in the viewer and stands on the floor: its centre is at y = 2.5."""
    camera = from_load3d(OLD, 64, 48)
    expected = Cameras.orbit(0, 0, 3.0, fov=35, height=64, width=48)
    assert torch.allclose(camera.camera_to_world, expected.camera_to_world, atol=1e-6)
    assert torch.allclose(camera.intrinsics, expected.intrinsics)


def test_bounds_of_another_model():
    bounds = torch.tensor([[1.0, 2.0, 3.0], [2.0, 12.0, 5.0]])  # 10 high: scale 0.5; its floor centre is (1.5, 2, 4)
    camera = from_load3d(OLD, 8, 8, bounds=bounds)
    assert camera.position[0].tolist() == pytest.approx([1.5, 7.0, 19.0])


def test_zoom_crops_the_image():
    zoomed = from_load3d({**OLD, "zoom": 2.0, "fov": 60.0}, 64, 64)
    assert zoomed.intrinsics[0, 1, 1].item() == pytest.approx(2 * 32 / math.tan(math.radians(30)), rel=1e-5)


def test_the_fallback_field_of_view_counts_only_where_there_is_none():
    assert from_load3d(OLD, 8, 8, fov=50).vertical_fov.item() == pytest.approx(50, abs=1e-3)
    assert from_load3d({**OLD, "fov": 20}, 8, 8, fov=50).vertical_fov.item() == pytest.approx(20, abs=1e-3)


def test_the_quaternion_wins_over_the_target_and_carries_roll():
    turn = {"x": 0.0, "y": 0.0, "z": math.sin(math.pi / 4), "w": math.cos(math.pi / 4)}  # three.js: roll left by 90
    camera = from_load3d({**OLD, "quaternion": turn, "target": {"x": 9.0, "y": 9.0, "z": 9.0}}, 8, 8)
    right, down, forward = camera.rotation[0].mT
    assert torch.allclose(forward, torch.tensor([0.0, 0.0, -1.0]), atol=1e-6)
    assert torch.allclose(right, torch.tensor([0.0, 1.0, 0.0]), atol=1e-6)
    assert torch.allclose(down, torch.tensor([1.0, 0.0, 0.0]), atol=1e-6)


@pytest.mark.parametrize("length", [1.0, 0.3, -2.0])
def test_the_quaternion_and_the_target_give_the_same_camera(length):
    for azimuth, elevation in ((0, 0), (130, 40), (-70, -65), (180, 10)):
        cameras = Cameras.orbit(azimuth, elevation, 2.7, fov=35, height=40, width=60)
        position = dict(zip("xyz", (cameras.position[0] * 2.5 + torch.tensor([0, 2.5, 0])).tolist(), strict=True))
        turn = Rotation.from_matrix(cameras.rotation[0] @ FLIP_YZ).as_quat() * length
        info = {**OLD, "position": position}
        for variant in (info, {**info, "quaternion": dict(zip("xyzw", turn.tolist(), strict=True))}):
            again = from_load3d(variant, 40, 60)
            assert torch.allclose(again.camera_to_world, cameras.camera_to_world, atol=1e-4)
            assert torch.allclose(again.intrinsics, cameras.intrinsics, atol=1e-3)


@pytest.mark.parametrize(
    ("info", "sentence"),
    [
        (None, "camera_info is a NoneType"),
        ({}, "no position"),
        ({**OLD, "cameraType": "orthographic"}, "orthographic"),
        ({**OLD, "position": {"x": 0, "y": 1}}, "no position with x, y, z"),
        ({**OLD, "position": {"x": 0, "y": "up", "z": 1}}, "position holds 'up'"),
        ({**OLD, "target": None}, "no target"),
        ({**OLD, "fov": float("nan")}, "fov holds nan"),
        ({**OLD, "fov": 200}, "fov 200"),
        ({**OLD, "zoom": 0}, "zoom 0"),
        ({**OLD, "quaternion": dict.fromkeys("xyzw", 0)}, "quaternion is zero"),
        ({**OLD, "position": OLD["target"]}, "stands on the point"),
    ],
)
def test_refuses_what_is_no_camera(info, sentence):
    with pytest.raises(BadInput, match=sentence):
        from_load3d(info, 8, 8)


def test_refuses_bounds_without_extent():
    with pytest.raises(BadInput, match="no extent"):
        from_load3d(OLD, 8, 8, bounds=torch.zeros(2, 3))


@pytest.mark.parametrize("bounds", [torch.tensor([[1.0, 2.0, 3.0], [2.0, 12.0, 5.0]]), None])
def test_there_and_back(bounds):
    camera = Cameras.look_at(torch.tensor([[3.0, 9.0, 7.0]]), torch.tensor([1.0, 6.0, 4.0]), 33.0, 48, 64)
    info = to_load3d(camera, bounds)
    again = from_load3d(info, 48, 64, bounds=bounds)
    assert torch.allclose(again.camera_to_world, camera.camera_to_world, atol=1e-5)
    assert torch.allclose(again.intrinsics, camera.intrinsics, rtol=1e-5)
    older = {name: info[name] for name in OLD}  # without quaternion and fov
    again = from_load3d(older, 48, 64, fov=33.0, bounds=bounds)
    assert torch.allclose(again.camera_to_world, camera.camera_to_world, atol=1e-5)
    assert info["aspect"] == pytest.approx(64 / 48)


def test_what_the_viewer_cannot_show_is_told(caplog):
    camera = Cameras.orbit([0.0], 0, 3, 40, 64, 64)
    to_load3d(camera)
    assert not caplog.text
    to_load3d(camera.cropped(0, 5, 64, 64))
    assert "past its middle" in caplog.text
    with pytest.raises(BadInput, match="2 cameras"):
        to_load3d(Cameras.cat([camera, camera]))
