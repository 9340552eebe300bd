import pytest

from recon_lib.cameras.colmap_text import read_text
from recon_lib.errors import BadInput
from recon_lib.progress import unchecked

CAMERAS = "# comment\n1 SIMPLE_RADIAL 48 32 50 24 16 0.1\n\n4 PINHOLE 96 64 50 55 48 32\n"
IMAGES = """# comment
9 1 0 0 0 0 0 1 1 a b.png
1.5 2.5 -1 3.5 4.5 7
10 0 1 0 0 0 0 2 4 sub/c.png

"""


def made(folder, cameras=CAMERAS, images=IMAGES):
    (folder / "cameras.txt").write_text(cameras)
    (folder / "images.txt").write_text(images)
    return read_text(folder, unchecked)


def test_names_with_spaces_and_images_without_points(tmp_path):
    first, second = made(tmp_path)
    assert (first.name, second.name) == ("a b.png", "sub/c.png")
    assert first.camera.lens.distortion.k[0] == 0.1
    assert (second.camera.width, second.camera.height) == (96, 64)
    assert second.camera.lens.intrinsics[1, 1] == 55
    assert second.pose[:3, 3].tolist() == [0, 0, 2], "half a turn about x, then two ahead"


def test_windows_lines_and_a_missing_last_line(tmp_path):
    text = IMAGES.rstrip().replace("\n", "\r\n")
    assert len(made(tmp_path, "\ufeff" + CAMERAS.replace("\n", "\r\n"), text)) == 2


@pytest.mark.parametrize(
    ("cameras", "images", "sentence"),
    [
        ("1 PINHOLE 48\n", IMAGES, "Line 1 of cameras.txt is no camera"),
        ("1 PINHOLE 48 x 1 1 1 1\n", IMAGES, "size in Line 1 of cameras.txt is -1"),
        ("1 PINHOLE 48 32 1 1 1 one\n", IMAGES, "holds 'one' where a number"),
        ("1 PINHOLE 48 32 1 1 1\n", IMAGES, "has 3 parameters"),
        ("1 OPENCV_FISHEYE 48 32 1 1 1 1 0 0 0 0\n", IMAGES, "camera model OPENCV_FISHEYE"),
        ("", IMAGES, "refers to camera 1"),
        (CAMERAS, "9 1 0 0 0 0 0 1 1\n\n", "Line 1 of images.txt is no image"),
        (CAMERAS, "9 1 0 0 0 0 0 z 1 a.png\n\n", "holds 'z'"),
        (CAMERAS, "9 nan 0 0 0 0 0 1 1 a.png\n\n", "has the pose"),
        (CAMERAS, "9 1 0 0 0 0 0 1 1 a.png\n10 1 0 0 0 0 0 1 1 b.png\n", "not followed by its points"),
        (CAMERAS, "9 1 0 0 0 0 0 1 77 a.png\n\n", "refers to camera 77"),
        ("x PINHOLE 48 32 1 1 1 1\n", IMAGES, "camera's number in Line 1 of cameras.txt is 'x'"),
        (CAMERAS, "9 1 0 0 0 0 0 1 y a.png\n\n", "camera's number in Line 1 of images.txt is 'y'"),
        ("1 PINHOLE 48 32 1 1 1 1\n1 PINHOLE 48 32 9 9 1 1\n", IMAGES, "Line 2 of cameras.txt has the camera 1 twice"),
    ],
)
def test_refused(tmp_path, cameras, images, sentence):
    with pytest.raises(BadInput, match=sentence):
        made(tmp_path, cameras, images)


def test_no_text(tmp_path):
    (tmp_path / "cameras.txt").write_bytes(b"\xff\xfe\x81")
    with pytest.raises(BadInput, match="could not be read as text"):
        read_text(tmp_path, unchecked)
