"""A COLMAP model of either kind; poses against the definition of a quaternion."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from recon_lib.cameras.colmap_model import is_model, pose_from_colmap, read_model
from recon_lib.errors import BadInput
from tests.helpers.camera_files import colmap_project, write_binary

CAMERA = (3, "PINHOLE", 48, 32, (50.0, 55.0, 24.0, 16.0))
IDENTITY = (1.0, 0.0, 0.0, 0.0)
numbers = st.floats(-10, 10, allow_nan=False)


@given(st.lists(numbers, min_size=4, max_size=4), st.lists(numbers, min_size=3, max_size=3))
def test_a_pose_undoes_the_world_to_camera_motion(q, t):
    if math.hypot(*q) < 0.1:
        return
    pose = pose_from_colmap(q, t, "Image 1")
    rotation = torch.from_numpy(Rotation.from_quat([*q[1:], q[0]]).as_matrix())
    point = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)
    seen = rotation @ point + torch.tensor(t, dtype=torch.float64)
    torch.testing.assert_close(pose[:3, :3] @ seen + pose[:3, 3], point, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("q", [(0, 0, 0, 0), (math.nan, 0, 0, 1), (math.inf, 0, 0, 0)])
def test_no_rotation(q):
    with pytest.raises(BadInput, match="Image 1 has the pose"):
        pose_from_colmap(list(q), [0.0, 0.0, 0.0], "Image 1")


def test_images_come_by_name_and_binary_wins(tmp_path):
    colmap_project(tmp_path, 2)
    model = tmp_path / "sparse" / "0"
    assert [image.name for image in read_model(model)] == ["0.png", "1.png"]
    write_binary(model, [CAMERA], [(7, IDENTITY, (0, 0, 1), 3, "b.png"), (2, IDENTITY, (0, 0, 2), 3, "a.png")])
    images = read_model(model)
    assert [image.name for image in images] == ["a.png", "b.png"]
    assert images[0].pose[:3, 3].tolist() == [0, 0, -2]


def test_what_a_model_is(tmp_path):
    assert not is_model(tmp_path)
    (tmp_path / "cameras.txt").touch()
    (tmp_path / "images.bin").touch()
    assert not is_model(tmp_path), "one of each"
    (tmp_path / "images.txt").touch()
    assert is_model(tmp_path)


def test_models_without_images_or_with_the_same_twice(tmp_path):
    write_binary(tmp_path, [CAMERA], [])
    with pytest.raises(BadInput, match="has no image"):
        read_model(tmp_path)
    write_binary(tmp_path, [CAMERA], [(i, IDENTITY, (0, 0, 1), 3, "a.png") for i in (1, 2)])
    with pytest.raises(BadInput, match="names 1 of its images twice"):
        read_model(tmp_path)
