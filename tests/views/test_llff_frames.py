"""LLFF's poses_bounds.npy: rows made here by the definition in its README."""

import numpy as np
import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.views.posed_images import load_views
from tests.helpers.camera_files import HEIGHT, WIDTH, pictures, ring, same_cameras


def rows(cameras, focal=40.0):
    """[V,17] of cameras."""
    right, down, forward = cameras.rotation.unbind(-1)
    sizes = torch.tensor([HEIGHT, WIDTH, focal]).expand(len(cameras), 3)
    matrix = torch.stack([down, right, -forward, cameras.position, sizes], dim=-1)
    return np.concatenate([matrix.reshape(len(cameras), 15).numpy(), np.full((len(cameras), 2), 2.0)], 1).astype(float)


def project(folder, count=3, change=lambda array: array):
    cameras = ring(count)
    pictures(folder / "images", count)
    np.save(folder / "poses_bounds.npy", change(rows(cameras)))
    intrinsics = torch.tensor([[40.0, 0, WIDTH / 2], [0, 40.0, HEIGHT / 2], [0, 0, 1]]).repeat(count, 1, 1)
    return type(cameras)(cameras.camera_to_world, intrinsics, HEIGHT, WIDTH)


def test_axes_size_and_focal_length(tmp_path):
    cameras = project(tmp_path)
    same_cameras(load_views(tmp_path).cameras, cameras)
    same_cameras(load_views(tmp_path / "poses_bounds.npy").cameras, cameras)


def test_reduced_copies(tmp_path):
    cameras = project(tmp_path)
    pictures(tmp_path / "images_4", 3, WIDTH // 4, HEIGHT // 4)
    (tmp_path / "images").rename(tmp_path / "full")
    same_cameras(load_views(tmp_path).cameras, cameras.resized(HEIGHT // 4, WIDTH // 4))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a[:, :16], r"holds \(3, 16\)"),
        (lambda a: a[:2], "has 2 poses, and there are other numbers of pictures: 3 in images"),
        (lambda a: a * np.nan, "is not a 4x4 list of numbers"),
        (lambda a: a * 0, "does not hold a rotation"),
        (lambda a: np.where(np.arange(17) == 14, -1.0, a), "focal length in poses_bounds.npy for 0.png is -1"),
        (lambda a: np.where(np.arange(17) == 4, HEIGHT * 2.0, a), "its image has 48x32"),
    ],
)
def test_refused(tmp_path, change, sentence):
    project(tmp_path, change=change)
    with pytest.raises(BadInput, match=sentence):
        load_views(tmp_path)
