import json

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.camera_json import opengl_to_opencv
from recon_lib.cameras.camera_path_json import read_cameras
from recon_lib.errors import BadInput

CAMERAS = Cameras.orbit([0.0, 90.0], 20.0, 3.0, 40.0, 32, 48)
POSES = opengl_to_opencv(CAMERAS.camera_to_world.double()).tolist()
TOP = {"fl_x": float(CAMERAS.intrinsics[0, 0, 0]), "w": 48, "h": 32}


def written(path, top=TOP, change=lambda frames: None):
    frames = [{"transform_matrix": pose} for pose in POSES]
    change(frames)
    path.write_text(json.dumps({**top, "frames": frames}))
    return path


def test_frames_without_pictures(tmp_path):
    found = read_cameras(written(tmp_path / "c.json"))
    assert (found.width, found.height) == (48, 32)
    torch.testing.assert_close(found.camera_to_world, CAMERAS.camera_to_world, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.intrinsics, CAMERAS.intrinsics)


def test_each_its_own_lens_and_an_origin(tmp_path):
    path = written(tmp_path / "c.json", change=lambda frames: frames[1].update(fl_x=99.0, file_path="gone.png"))
    found = read_cameras(path, (1.0, 2.0, 3.0))
    assert found.intrinsics[1, 0, 0] == 99
    expected = CAMERAS.position - torch.tensor([1.0, 2, 3])
    torch.testing.assert_close(found.position, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("top", "change", "sentence"),
    [
        ({"fl_x": 50.0}, lambda f: None, "frame 0 of c.json has no w and h"),
        ({"w": 48, "h": 32}, lambda f: None, "neither fl_x nor camera_angle_x"),
        ({**TOP, "k1": 0.2}, lambda f: None, "is distorted"),
        (TOP, lambda f: f[1].update(w=24, h=16, fl_x=50), "have 2 sizes"),
        (TOP, lambda f: f.clear(), "has no list of frames"),
        (TOP, lambda f: f.append(3), "frame 2 of c.json is no object"),
        (TOP, lambda f: f[0].update(transform_matrix=[[float("nan")] * 4] * 4), "frame 0 of c.json is not a 4x4"),
        (TOP, lambda f: f[0].pop("transform_matrix"), "frame 0 of c.json is not a 4x4"),
    ],
)
def test_refused(tmp_path, top, change, sentence):
    with pytest.raises(BadInput, match=sentence):
        read_cameras(written(tmp_path / "c.json", top, change))
