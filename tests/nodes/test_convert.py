"""IMAGE and MASK to the library's layout and back."""

import pytest
import torch


@pytest.fixture
def convert(pack):
    return pack.file("convert")


def test_images_go_there_and_back_unchanged(convert, photo):
    images = convert.images_from_host(photo)
    assert images.shape == (1, 3, 48, 64)
    assert torch.equal(convert.images_to_host(images), photo)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_and_transparent_pictures_become_rgb(convert, channels):
    picture = torch.full((2, 20, 30, channels), 0.25)
    images = convert.images_from_host(picture)
    assert images.shape == (2, 3, 20, 30)
    expected = 0.25 * 0.25 + 0.75 if channels == 4 else 0.25
    assert torch.allclose(images, torch.tensor(expected))


def test_half_precision_becomes_float32(convert):
    assert convert.images_from_host(torch.rand(1, 20, 20, 3).half()).dtype == torch.float32


@pytest.mark.parametrize("value", [None, "text", torch.zeros(20, 20, 3), torch.zeros(1, 20, 20, 5)])
def test_what_is_no_image_is_told(pack, convert, value):
    with pytest.raises(pack.lib("errors").BadInput, match="needed"):
        convert.images_from_host(value)


def test_a_batch_is_refused_where_one_is_needed(pack, convert, photo):
    assert convert.one_image(photo).shape[0] == 1
    with pytest.raises(pack.lib("errors").BadInput, match="batch of 5"):
        convert.one_image(photo.expand(5, -1, -1, -1))


def test_masks_go_there_and_back(convert, photo, disc):
    images = convert.images_from_host(photo)
    masks = convert.masks_from_host(disc, images)
    assert masks.shape == (1, 1, 48, 64)
    assert torch.equal(convert.masks_to_host(masks), disc)
    assert convert.masks_from_host(None, images) is None


def test_a_single_plane_serves_as_mask(convert, photo, disc):
    assert convert.masks_from_host(disc[0], convert.images_from_host(photo)).shape == (1, 1, 48, 64)


def test_copies_are_made(convert, photo, disc):
    """ComfyUI keeps what it handed over, so nothing made from it may share its memory."""
    images = convert.images_from_host(photo)
    masks = convert.masks_from_host(disc, images)
    assert images.data_ptr() != photo.data_ptr()
    assert masks.data_ptr() != disc.data_ptr()
    assert convert.images_to_host(images).data_ptr() != images.data_ptr()


def test_previews_are_rgb_pictures(convert):
    assert convert.to_pil(torch.ones(1, 4, 6)).getpixel((5, 3)) == (255, 255, 255)


@pytest.mark.parametrize("nothing", [torch.zeros(1, 64, 64), torch.zeros(64, 64), torch.ones(3, 64, 64)])
def test_load_images_mask_of_a_photo_without_transparency_is_none(convert, photo, nothing, caplog):
    images = convert.images_from_host(photo)
    with caplog.at_level("INFO", "recon3d"):
        assert convert.masks_from_host(nothing, images) is None
        assert convert.occluders_from_host(nothing, images) is None
    assert caplog.text.count("taken as not connected") == 2


def test_other_masks_of_that_size_are_masks(pack, convert, photo):
    images = convert.images_from_host(torch.rand(1, 64, 64, 3))
    marked = torch.zeros(1, 64, 64)
    marked[:, 20:40, 20:40] = 1
    assert torch.equal(convert.masks_from_host(marked, images)[:, 0], marked)
    assert convert.masks_from_host(torch.zeros(1, 64, 64), images) is None
    assert convert.occluders_from_host(torch.zeros(1, 64, 64), images).max() == 0  # nothing is in front
    with pytest.raises(pack.lib("errors").BadInput, match="whole picture"):
        convert.masks_from_host(torch.ones(1, 64, 64), images)
    with pytest.raises(pack.lib("errors").BadInput, match="empty"):
        convert.masks_from_host(torch.zeros(1, 48, 64), convert.images_from_host(photo))
