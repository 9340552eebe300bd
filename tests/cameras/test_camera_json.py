import json
import math

import pytest
import torch

from recon_lib.cameras.camera import FLIP_YZ, Cameras
from recon_lib.cameras.camera_json import camera_from_json, opengl_to_opencv, read_camera, rigid_pose
from recon_lib.errors import BadInput

ORBIT = {"azimuth": 30.0, "elevation": 20.0, "distance": 2.5, "fov": 40.0, "height": 60, "width": 80}
EYE = torch.eye(4).tolist()


def same(first, second):
    size = (first.height, first.width) == (second.height, second.width)
    poses = torch.allclose(first.camera_to_world, second.camera_to_world, atol=1e-5)
    return size and poses and torch.allclose(first.intrinsics, second.intrinsics, atol=1e-4)


def test_the_orbit_form():
    assert same(camera_from_json(ORBIT), Cameras.orbit(30, 20, 2.5, 40, 60, 80))
    short = {"azimuth": 0, "fov": 40, "h": 10, "w": 20}
    assert same(camera_from_json(short), Cameras.orbit(0, 0, 3.0, 40, 10, 20))


def test_there_and_back_through_a_file(tmp_path):
    camera = Cameras.orbit(30, 20, 2.5, 40, 60, 80).cropped(3, 4, 50, 40)
    path = tmp_path / "view.json"
    matrices = {"camera_to_world": camera.camera_to_world[0], "intrinsics": camera.intrinsics[0]}
    value = {name: matrix.tolist() for name, matrix in matrices.items()} | {"height": 40, "width": 50}
    path.write_text(json.dumps(value))
    assert same(read_camera(path), camera)
    path.write_text(json.dumps({"seconds": 3, "camera": value}))  # a report
    assert same(read_camera(path), camera)


def test_a_nerfstudio_frame():
    """An identity transform_matrix is an OpenGL camera at the origin that looks along -z."""
    frame = {"transform_matrix": EYE, "fl_x": 50, "w": 40, "h": 20}
    camera = camera_from_json(frame)
    assert torch.allclose(camera.rotation[0], FLIP_YZ)
    assert camera.intrinsics[0].tolist() == [[50, 0, 20], [0, 50, 10], [0, 0, 1]]
    off = camera_from_json({**frame, "fl_y": 60, "cx": 1.5, "cy": 2.5})
    assert off.intrinsics[0].tolist() == [[50, 0, 1.5], [0, 60, 2.5], [0, 0, 1]]


def test_opengl_and_opencv_are_each_others_inverse():
    pose = torch.randn(5, 4, 4, dtype=torch.float64)
    assert torch.equal(opengl_to_opencv(opengl_to_opencv(pose)), pose)


def test_a_scaled_and_slightly_noisy_rotation_is_cleaned():
    turn = Cameras.orbit(30, 20).camera_to_world[0].double()
    noisy = turn.clone()
    noisy[:3, :3] = noisy[:3, :3] * 2.5 + 1e-4 * torch.randn(3, 3)
    pose = rigid_pose(noisy.tolist(), "pose")
    assert torch.allclose(pose[:3, :3].mT @ pose[:3, :3], torch.eye(3).double(), atol=1e-6)
    assert torch.allclose(pose, turn, atol=1e-3)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "JSON list"),
        ({}, "height is None"),
        ({"height": 8, "width": 8.5}, "width is 8.5"),
        ({"height": 8, "width": 8}, "no pose"),
        ({**ORBIT, "azimuth": "left"}, "azimuth is 'left'"),
        ({**ORBIT, "distance": 0}, "distance is 0"),
        ({key: value for key, value in ORBIT.items() if key != "fov"}, "no lens"),
        ({**ORBIT, "fov": 190}, "field of view"),
        ({**ORBIT, "intrinsics": [[1, 2], [3, 4]]}, "has 4 numbers"),
        ({"camera_to_world": [[1, 2], [3]], "fov": 40, "h": 8, "w": 8}, "camera_to_world is not a 4x4"),
        ({"camera_to_world": [[0] * 4] * 4, "fov": 40, "h": 8, "w": 8}, "does not hold a rotation"),
        (
            {"camera_to_world": torch.diag(torch.tensor([-1.0, 1, 1, 1])).tolist(), "fov": 40, "h": 8, "w": 8},
            "rotation",
        ),
        ({"camera_to_world": [[math.nan] * 4] * 4, "fov": 40, "h": 8, "w": 8}, "camera_to_world is not a 4x4"),
        ({"transform_matrix": EYE, "fl_x": -3, "h": 8, "w": 8}, "fl_x of the camera is -3"),
    ],
)
def test_refuses_what_is_missing_or_malformed(value, sentence):
    with pytest.raises(BadInput, match=sentence):
        camera_from_json(value)


def test_refuses_files_that_are_missing_or_no_json(tmp_path):
    with pytest.raises(BadInput, match="could not be read"):
        read_camera(tmp_path / "view.json")
    (tmp_path / "view.json").write_text("{azimuth: 3}")
    with pytest.raises(BadInput, match="is not JSON"):
        read_camera(tmp_path / "view.json")
