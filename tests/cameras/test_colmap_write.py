import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.colmap_model import read_model
from recon_lib.cameras.colmap_write import write_colmap
from tests.helpers.camera_files import ring


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from([1e-3, 1.0, 1e3]))
def test_what_is_written_is_read(tmp_path_factory, seed, count, scale):
    folder = tmp_path_factory.mktemp("model")
    generator = torch.Generator().manual_seed(seed)
    pose = torch.eye(4).repeat(count, 1, 1)
    pose[:, :3, :3] = torch.from_numpy(Rotation.random(count, rng=seed).as_matrix()).float()
    pose[:, :3, 3] = scale * torch.randn(count, 3, generator=generator)
    lens = torch.tensor([[50.0, 0, 24], [0, 55, 16], [0, 0, 1]]).repeat(count, 1, 1)
    lens[:, 0, 0] += torch.rand(count, generator=generator)
    write_colmap(folder, Cameras(pose, lens, 32, 48), [f"{i:03d}.png" for i in range(count)])
    images = read_model(folder)
    torch.testing.assert_close(torch.stack([i.pose for i in images]).float(), pose, atol=1e-5 * scale, rtol=1e-5)
    torch.testing.assert_close(torch.stack([i.camera.lens.intrinsics for i in images]), lens.double())
    assert {(i.camera.width, i.camera.height) for i in images} == {(48, 32)}


def test_cameras_of_one_lens_share_it_and_far_origins_keep_their_digits(tmp_path):
    write_colmap(tmp_path / "new", ring(3), ["a", "b", "c"], (446_000.125, 5_540_000.25, 311.5))
    text = (tmp_path / "new" / "cameras.txt").read_text()
    assert len([line for line in text.splitlines() if not line.startswith("#")]) == 1
    positions = torch.stack([image.pose[:3, 3] for image in read_model(tmp_path / "new")])
    expected = ring(3).position.double() + torch.tensor([446_000.125, 5_540_000.25, 311.5], dtype=torch.float64)
    torch.testing.assert_close(positions, expected, atol=1e-5, rtol=0)
    assert (tmp_path / "new" / "points3D.txt").is_file()


def test_as_many_names_as_cameras(tmp_path):
    with pytest.raises((ValueError, IndexError)):
        write_colmap(tmp_path, ring(3), ["a", "b", "c", "d"])
