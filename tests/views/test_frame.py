import pytest
import torch
from PIL import Image

from recon_lib.cameras.lens_json import Lens
from recon_lib.errors import BadInput
from recon_lib.views.frame import FARTHEST, checked_lens, checked_pose, frame_of, scaled_lens

LENS = Lens(torch.tensor([[50.0, 0, 24], [0, 55, 16], [0, 0, 1]], dtype=torch.float64), None)
EYE = torch.eye(4, dtype=torch.float64)


def test_a_reduced_copy_scales_the_lens():
    assert scaled_lens(LENS, (48, 32), None, "a.png") is LENS
    half = scaled_lens(LENS, (24, 16), (48, 32), "a.png").intrinsics
    assert half.tolist() == [[25, 0, 12], [0, 27.5, 8], [0, 0, 1]]
    with pytest.raises(BadInput, match="are 48 and 32, its image has 24x24"):
        scaled_lens(LENS, (24, 24), (48, 32), "a.png")


@pytest.mark.parametrize(("value", "sentence"), [(float("nan"), "holds NaN"), (2 * FARTHEST, "lies beyond")])
def test_poses_that_are_none(value, sentence):
    pose = EYE.clone()
    pose[1, 3] = value
    with pytest.raises(BadInput, match=sentence):
        checked_pose(pose, "a.png", "list.txt")


def test_a_picture_turned_by_exif_counts_as_its_camera_tells(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (48, 32)).save(tmp_path / "a.jpg", exif=exif)
    stored = frame_of(tmp_path / "a.jpg", EYE, LENS, (48, 32), "list")
    turned = frame_of(tmp_path / "a.jpg", EYE, LENS, (32, 48), "list")
    assert (stored.upright, stored.width, stored.height) == (False, 48, 32)
    assert (turned.upright, turned.width, turned.height) == (True, 32, 48)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ([1e8, 0, 24], "focal length of a.png is 1e[+]08 for 48x32"),
        ([0.01, 0, 24], "focal length of a.png is 0.01"),
        ([50, 0, 1e5], "centre of a.png is"),
    ],
)
def test_lenses_that_cannot_have_taken_the_picture(row, sentence):
    matrix = LENS.intrinsics.clone()
    matrix[0] = torch.tensor(row, dtype=torch.float64)
    with pytest.raises(BadInput, match=sentence):
        checked_lens(Lens(matrix, None), (48, 32), "a.png")
    assert checked_lens(LENS, (48, 32), "a.png") is LENS
