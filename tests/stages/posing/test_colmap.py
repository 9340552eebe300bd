from importlib.util import find_spec

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.stages.posing import colmap
from recon_lib.stages.posing.colmap import centred, pose_photos, upright
from recon_lib.views.views import Views

needs_pycolmap = pytest.mark.skipif(
    find_spec("pycolmap") is None, reason="structure from motion needs pycolmap (requirements/pose.txt)"
)


def test_without_pycolmap_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(colmap, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="pip install pycolmap"):
        pose_photos(torch.zeros(3, 3, 16, 16))


def test_bad_input_is_told_before_the_work():
    with pytest.raises(BadInput, match="too few"):
        pose_photos(torch.zeros(2, 3, 16, 16))
    with pytest.raises(BadInput, match="NaN"):
        pose_photos(torch.full((3, 3, 16, 16), torch.nan))
    with pytest.raises(BadInput, match="masks"):
        pose_photos(torch.zeros(3, 3, 16, 16), torch.zeros(2, 1, 16, 16))
    with pytest.raises(BadInput, match="focal length of -5"):
        pose_photos(torch.zeros(3, 3, 16, 16), focal=-5)


@needs_pycolmap
def test_photos_without_anything_in_common_do_not_register():
    images = torch.rand(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    with pytest.raises(BadInput, match="Only 0 of 4 photos register"):
        pose_photos(images, threads=1)


def test_upright_brings_up_to_y_and_the_first_camera_to_the_front():
    cameras = Cameras.orbit([30.0, 120, 210, 300], 20.0, 3.0)
    turn = upright(cameras)
    torch.testing.assert_close(turn @ torch.tensor([0.0, 1, 0]), torch.tensor([0.0, 1, 0]), atol=1e-5, rtol=0)
    first = turn @ cameras.position[0]
    assert abs(float(first[0])) < 1e-5 and float(first[2]) > 0


def test_the_object_comes_to_the_origin():
    cameras = Cameras.orbit([0.0, 90, 180, 270], 10.0, 3.0, 40.0, 32, 32)
    masks = torch.zeros(4, 1, 32, 32)
    masks[..., 8:24, 8:24] = 1
    far = torch.tensor([7.0, -3.0, 2.0])
    pose = cameras.camera_to_world.clone()
    pose[:, :3, 3] = 10 * pose[:, :3, 3] + far
    views = Views(torch.zeros(4, 3, 32, 32), Cameras(pose, cameras.intrinsics, 32, 32), masks)
    points = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    sparse = torch.cat([far + 3 * torch.nn.functional.normalize(points, dim=-1), far + torch.tensor([[0.0, 0, 90]])])
    moved, placed = centred(views, sparse)
    assert float(placed[:200].norm(dim=-1).median()) == pytest.approx(1, abs=0.15)
    assert float(placed[:200].mean(0).norm()) < 0.2
    pixels = views.cameras.project(sparse[:200])[0]
    torch.testing.assert_close(moved.cameras.project(placed[:200])[0], pixels, atol=0.05, rtol=0)
