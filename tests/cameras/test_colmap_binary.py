import random

import pytest

from recon_lib.cameras.colmap_binary import read_binary
from recon_lib.errors import BadInput
from recon_lib.progress import unchecked
from tests.helpers.camera_files import write_binary

CAMERAS = [(3, "PINHOLE", 48, 32, (50.0, 55.0, 24.0, 16.0)), (4, "RADIAL", 48, 32, (50.0, 24.0, 16.0, 0.1, 0.2))]
IMAGES = [(1, (1.0, 0, 0, 0), (0.0, 0, 1), 3, "a.png"), (2, (0.0, 1, 0, 0), (0.0, 0, 2), 4, "größe.png")]


def test_cameras_images_and_points(tmp_path):
    write_binary(tmp_path, CAMERAS, IMAGES, points=5)
    first, second = read_binary(tmp_path, unchecked)
    assert (first.name, second.name) == ("a.png", "größe.png")
    assert first.camera.lens.intrinsics.tolist() == [[50, 0, 24], [0, 55, 16], [0, 0, 1]]
    assert second.camera.lens.distortion.k[:2] == (0.1, 0.2)
    assert first.pose[:3, 3].tolist() == [0, 0, -1]


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
def test_a_file_cut_anywhere_is_told(tmp_path, name):
    write_binary(tmp_path, CAMERAS, IMAGES, points=2)
    content = (tmp_path / name).read_bytes()
    for end in range(len(content)):
        (tmp_path / name).write_bytes(content[:end])
        with pytest.raises(BadInput, match=name):
            read_binary(tmp_path, unchecked)
    (tmp_path / name).write_bytes(content + b"\0")
    with pytest.raises(BadInput, match="has 1 bytes too many"):
        read_binary(tmp_path, unchecked)


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
def test_damage_is_told_or_harmless(tmp_path, name):
    dice = random.Random(4)
    write_binary(tmp_path, CAMERAS, IMAGES, points=1)
    content = (tmp_path / name).read_bytes()
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(dice.randint(1, 8)):
            damaged[dice.randrange(len(content))] = dice.randrange(256)
        (tmp_path / name).write_bytes(damaged)
        try:
            images = read_binary(tmp_path, unchecked)
        except BadInput:
            continue
        assert all(image.pose.isfinite().all() and image.camera.lens.intrinsics.isfinite().all() for image in images)


def test_other_models_and_lost_cameras(tmp_path):
    for model in ("FOV", 99, -1):
        write_binary(tmp_path, [(3, model, 48, 32, (1.0,) * 5)], IMAGES)
        with pytest.raises(BadInput, match=r"Camera 3 of cameras\.bin has the camera model"):
            read_binary(tmp_path, unchecked)
    write_binary(tmp_path, CAMERAS[:1], IMAGES)
    with pytest.raises(BadInput, match=r"Image 2 of images\.bin refers to camera 4"):
        read_binary(tmp_path, unchecked)
    write_binary(tmp_path, [(3, "PINHOLE", 0, 32, (1.0,) * 4)], IMAGES)
    with pytest.raises(BadInput, match="size of Camera 3"):
        read_binary(tmp_path, unchecked)


def test_two_cameras_of_one_number(tmp_path):
    write_binary(tmp_path, [*CAMERAS, CAMERAS[0]], IMAGES)
    with pytest.raises(BadInput, match=r"cameras\.bin has the camera \d+ twice"):
        read_binary(tmp_path, unchecked)
