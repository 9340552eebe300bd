import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.errors import BadInput
from recon_lib.views.photo import load_mask, load_photo, save_image

RAMP = np.linspace(0, 255, 40).round().astype(np.uint8)[None].repeat(20, 0)  # 20 rows, 40 columns


def expected(values: np.ndarray = RAMP) -> torch.Tensor:
    return torch.from_numpy(values / 255).float()


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA", "CMYK", "1", "I;16", "I", "F"])
def test_every_mode_shows_the_same_grey(tmp_path, mode):
    if mode in ("I;16", "I"):
        picture = Image.fromarray(RAMP.astype(np.uint16) * 257)
        picture = picture if mode == "I;16" else picture.convert("I")
    elif mode == "F":
        picture = Image.fromarray((RAMP / 255).astype(np.float32))
    else:
        grey = np.where(RAMP > 127, 255, 0).astype(np.uint8) if mode == "1" else RAMP
        picture = Image.fromarray(grey).convert("L" if mode in ("L", "P", "1") else "RGB").convert(mode)
    path = tmp_path / f"photo.{'tif' if mode in ('F', 'CMYK', 'I') else 'png'}"
    picture.save(path)
    photo = load_photo(path)
    wanted = expected(np.where(RAMP > 127, 255, 0)) if mode == "1" else expected()
    assert photo.image.shape == (1, 3, 20, 40)
    assert torch.allclose(photo.image, wanted.expand(1, 3, 20, 40), atol=1.5 / 255)
    assert photo.alpha is None


def test_exif_turns_the_photo_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned 90 degrees clockwise
    Image.fromarray(RAMP).save(tmp_path / "photo.png", exif=exif)
    image = load_photo(tmp_path / "photo.png").image
    assert image.shape == (1, 3, 40, 20)
    assert torch.allclose(image[0, 0], expected().T, atol=1e-6)  # the dark left side is now the top


def test_alpha_is_a_mask_and_hides_what_lies_under_it(tmp_path):
    alpha = np.zeros_like(RAMP)
    alpha[5:15, 10:30] = 255
    Image.fromarray(np.dstack([RAMP] * 3 + [alpha])).save(tmp_path / "cut.png")
    photo = load_photo(tmp_path / "cut.png")
    assert torch.equal(photo.alpha[0, 0], expected(alpha))
    assert (photo.image[0, :, :5] == 1).all()
    assert torch.equal(load_mask(tmp_path / "cut.png", 20, 40)[0, 0], expected(alpha))


def test_palette_with_a_transparent_entry_has_alpha(tmp_path):
    picture = Image.fromarray((RAMP > 127).astype(np.uint8)).convert("P")
    picture.save(tmp_path / "palette.png", transparency=0)
    assert load_photo(tmp_path / "palette.png").alpha.mean() == pytest.approx(0.5)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_8k_photo_is_reduced(tmp_path, suffix):
    Image.fromarray(RAMP).resize((7680, 4320)).save(tmp_path / f"big.{suffix}")
    image = load_photo(tmp_path / f"big.{suffix}").image
    assert image.shape == (1, 3, 1152, 2048)
    assert image[0, 0, 500, 1024] == pytest.approx(0.5, abs=0.02)


def test_mask_is_white_on_black_and_fits_the_photo(tmp_path):
    white = np.zeros((80, 160), np.uint8)
    white[20:60, 40:120] = 255
    Image.fromarray(white).save(tmp_path / "mask.png")
    mask = load_mask(tmp_path / "mask.png", 20, 40)
    assert mask.shape == (1, 1, 20, 40)
    assert mask[0, 0, 6:14, 11:29].min() == 1
    assert mask[0, 0, :4].max() == 0


def test_saved_image_comes_back(tmp_path):
    image = expected().expand(3, 20, 40)
    save_image(image, tmp_path / "out.png")
    assert torch.allclose(load_photo(tmp_path / "out.png").image[0], image, atol=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]


def test_unwritable_name_leaves_nothing(tmp_path):
    with pytest.raises(BadInput, match="end in"):
        save_image(torch.zeros(3, 4, 4), tmp_path / "out.exe")
    assert not list(tmp_path.iterdir())
