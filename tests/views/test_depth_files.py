import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.errors import BadInput
from recon_lib.views.depth_files import load_depth, read_depth


def test_npy_and_16_bit_png_tell_the_same(tmp_path):
    depth = np.array([[0, 700, 800], [900, 1000, 1100]], np.uint16)
    np.save(tmp_path / "d.npy", depth.astype(np.float64)[..., None])
    Image.fromarray(depth).save(tmp_path / "d.png")
    wanted = torch.from_numpy(depth.astype(np.float32))[None]
    assert torch.equal(read_depth(tmp_path / "d.npy"), wanted)
    assert torch.equal(read_depth(tmp_path / "d.png"), wanted)


def test_what_is_no_depth_counts_as_unknown(tmp_path):
    np.save(tmp_path / "d.npy", np.array([[np.nan, np.inf], [-2.0, 3.0]]))
    assert read_depth(tmp_path / "d.npy")[0].tolist() == [[0, 0], [0, 3]]


def test_surfaces_are_not_mixed_when_enlarged(tmp_path):
    np.save(tmp_path / "d.npy", np.array([[1.0, 9.0], [1.0, 9.0]]))
    depth = load_depth(tmp_path / "d.npy", 6, 6)
    assert depth.shape == (1, 1, 6, 6) and depth.unique().tolist() == [1, 9]


def test_says_what_is_wrong(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "color.png")
    np.save(tmp_path / "many.npy", np.zeros((2, 2, 3)))
    np.save(tmp_path / "d.npy", np.ones((2, 4)))
    with pytest.raises(BadInput, match=r"color\.png is a colour"):
        read_depth(tmp_path / "color.png")
    with pytest.raises(BadInput, match="height x width"):
        read_depth(tmp_path / "many.npy")
    with pytest.raises(BadInput, match="depth of this photo"):
        load_depth(tmp_path / "d.npy", 6, 6)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((4, 4)), "no depth above 0"),
        (np.full((4, 4), np.nan), "no depth above 0"),
        (-np.ones((4, 4)), "no depth above 0"),
        (np.full((4, 4), 2.5), "is constant"),
        (np.geomspace(1, 1e300, 16).reshape(4, 4), "other units"),
    ],
)
def test_depth_that_says_nothing(tmp_path, values, sentence):
    np.save(tmp_path / "d.npy", values)
    with pytest.raises(BadInput, match=sentence):
        load_depth(tmp_path / "d.npy", 4, 4)
