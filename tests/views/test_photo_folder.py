import pytest
import torch
from PIL import Image

from recon_lib.errors import BadInput
from recon_lib.views.photo_folder import load_photos
from tests.helpers.camera_files import pictures


def test_photos_by_name_and_their_masks(tmp_path):
    pictures(tmp_path / "images", 3)
    (tmp_path / "masks").mkdir()
    mask = Image.new("L", (48, 32), 0)
    mask.paste(255, (0, 0, 24, 32))
    mask.save(tmp_path / "masks" / "1.png")
    photos = load_photos(tmp_path, 24)
    assert [path.name for path in photos.paths] == ["0.png", "1.png", "2.png"]
    assert photos.images.shape == (3, 3, 16, 24)
    assert photos.images[:, 0, 0, 0].mul(255).round().tolist() == [20, 60, 100]
    assert photos.masked.tolist() == [False, True, False]
    assert photos.masks[1].mean() == pytest.approx(0.5)
    assert torch.equal(photos.masks[0], torch.ones(1, 16, 24))


def test_transparency_is_a_mask(tmp_path):
    picture = Image.new("RGBA", (48, 32), (9, 9, 9, 0))
    picture.paste((200, 9, 9, 255), (10, 10, 20, 20))
    picture.save(tmp_path / "a.png")
    photos = load_photos(tmp_path, 64)
    assert photos.masks.sum() == 100
    assert photos.masked.tolist() == [True]


def test_refused(tmp_path):
    with pytest.raises(BadInput, match="holds no photos"):
        load_photos(tmp_path, 64)
    pictures(tmp_path, 2)
    Image.new("RGB", (32, 48)).save(tmp_path / "9.png")
    with pytest.raises(BadInput, match=r"9\.png has another size or turn than 0\.png"):
        load_photos(tmp_path, 64)
