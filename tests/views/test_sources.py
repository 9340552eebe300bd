"""Which format a folder counts as, and what is written beside transforms.json."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.views.posed_images import load_views, save_views
from recon_lib.views.sources import read_frames
from recon_lib.views.views import Views
from tests.helpers.camera_files import HEIGHT, WIDTH, colmap_project, pictures, same_cameras


def test_the_order_of_formats(tmp_path):
    pictures(tmp_path / "images")
    with pytest.raises(BadInput, match=r"has no transforms\.json but no JSON file at all.*COLMAP"):
        read_frames(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"fl_x": 60.0, "frames": [
        {"file_path": "images/0", "transform_matrix": np.eye(4).tolist()}]}))  # fmt: skip
    assert read_frames(tmp_path)[1] == "transforms"
    row = np.concatenate([np.array([[0, 1, 0, 0, HEIGHT], [1, 0, 0, 0, WIDTH], [0, 0, -1, 0, 50.0]]).ravel(), [1, 2]])
    np.save(tmp_path / "poses_bounds.npy", np.stack([row] * 3))
    assert read_frames(tmp_path)[1] == "llff"
    colmap_project(tmp_path)
    assert read_frames(tmp_path)[1] == "colmap"
    (tmp_path / "a.json").rename(tmp_path / "transforms.json")
    assert read_frames(tmp_path)[1] == "transforms"
    assert read_frames(tmp_path / "poses_bounds.npy")[1] == "llff"
    assert read_frames(tmp_path / "sparse")[1] == "colmap"


def test_bad_paths(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path / ("x" * 300), "a\0"):
        with pytest.raises(BadInput):
            load_views(path)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1e-3, 1.0, 1e3]))
def test_a_colmap_model_beside_transforms_has_the_same_cameras(tmp_path_factory, seed, scale):
    folder = tmp_path_factory.mktemp("views") / "saved"
    turn = torch.rand(3, 3, generator=torch.Generator().manual_seed(seed)) * 300
    cameras = Cameras.orbit(turn[0].tolist(), (turn[1] / 5).tolist(), (scale * (1 + turn[2])).tolist(), 40.0, 6, 8)
    views = Views(torch.zeros(3, 3, 6, 8), cameras.cropped(1, 2, 8, 6), torch.ones(3, 1, 6, 8))
    save_views(views, folder, colmap=True)
    model, plain = load_views(folder / "sparse" / "0"), load_views(folder)
    same_cameras(plain.cameras, views.cameras, scale)
    same_cameras(model.cameras, plain.cameras, scale)
    assert torch.equal(model.masks, plain.masks)
