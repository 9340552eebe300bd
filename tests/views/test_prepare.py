import logging

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.views.prepare import check_overlap, looks_inverted, prepare_image, prepare_mask


def disc(size: int = 64, radius: float = 0.25) -> torch.Tensor:
    """A centred disc [size,size] of `radius` image widths."""
    at = (torch.arange(size) + 0.5) / size - 0.5
    return (at[:, None].hypot(at) < radius).float()


class TestImage:
    def test_rgb_stays_as_it_is(self):
        image = torch.rand(2, 3, 20, 30)
        assert torch.equal(prepare_image(image), image)

    def test_grey_fills_three_channels(self):
        image = torch.rand(1, 1, 20, 30)
        assert torch.equal(prepare_image(image), image.repeat(1, 3, 1, 1))

    def test_see_through_pixels_lie_over_white(self):
        image = torch.cat([torch.zeros(1, 3, 16, 16), torch.full((1, 1, 16, 16), 0.25)], 1)
        assert torch.allclose(prepare_image(image), torch.tensor(0.75))

    def test_input_is_not_changed(self):
        image = torch.full((1, 3, 16, 16), 1.2)
        assert prepare_image(image).max() == 1
        assert image.max() > 1

    @pytest.mark.parametrize(
        ("image", "sentence"),
        [
            (torch.zeros(3, 16, 16), r"\(3, 16, 16\)"),
            (torch.zeros(1, 2, 16, 16), "1, 3 or 4 channels"),
            (torch.zeros(0, 3, 16, 16), "batch is empty"),
            (torch.zeros(1, 3, 1, 1), "1x1 pixels"),
            (torch.full((1, 3, 16, 16), torch.nan), "NaN"),
            (torch.full((1, 3, 16, 16), 255.0), "0 to 1 is needed"),
            ("picture", "str"),
        ],
    )
    def test_refuses(self, image, sentence):
        with pytest.raises(BadInput, match=sentence):
            prepare_image(image)


class TestMask:
    @pytest.mark.parametrize("shape", [(64, 64), (1, 64, 64), (1, 1, 64, 64)])
    def test_one_mask_serves_all_images(self, shape):
        mask = prepare_mask(disc().view(shape), 3, 64, 64)
        assert mask.shape == (3, 1, 64, 64)
        assert torch.equal(mask[2, 0], disc())

    def test_another_size_keeps_the_area(self):
        mask = prepare_mask(disc(256), 1, 64, 64)
        assert mask.mean() == pytest.approx(float(torch.pi * 0.25**2), rel=0.01)

    @pytest.mark.parametrize(
        ("mask", "sentence"),
        [
            (torch.zeros(64, 64), "empty"),
            (torch.ones(64, 64), "whole picture"),
            (disc()[:, :40], "made from this image"),
            (disc().repeat(2, 1, 1), "2 masks for 3 images"),
            (disc() * torch.nan, "NaN"),
            (torch.zeros(0, 64, 64), "no pixels"),
            (disc().view(1, 64, 64, 1), "is needed"),
            (None, "NoneType"),
        ],
    )
    def test_refuses(self, mask, sentence):
        with pytest.raises(BadInput, match=sentence):
            prepare_mask(mask, 3, 64, 64)

    def test_warns_of_an_inverted_mask(self, caplog):
        with caplog.at_level(logging.WARNING, "recon3d"):
            prepare_mask(disc(), 1, 64, 64)
            assert not caplog.records
            prepare_mask(1 - disc(radius=0.4), 1, 64, 64)
        assert "inverted" in caplog.text

    def test_warns_of_a_mask_along_most_of_the_border(self, caplog):
        wide = torch.zeros(64, 64)
        wide[20:] = 1
        with caplog.at_level(logging.WARNING, "recon3d"):
            prepare_mask(wide, 1, 64, 64)
        assert "touches most of the picture's border" in caplog.text and "inverted" not in caplog.text

    def test_warns_of_a_mask_of_something_else(self, caplog):
        mine = disc()[None, None]
        with caplog.at_level(logging.WARNING, "recon3d"):
            check_overlap(mine, mine, "the model")
            assert not caplog.records
            check_overlap(torch.cat([mine, mine]), torch.cat([mine, 1 - mine]), "the model")
        assert "what the model takes for the object hardly overlap (0 %)" in caplog.text

    def test_an_object_cut_by_the_frame_is_not_inverted(self):
        half = torch.zeros(64, 64)
        half[:, :40] = 1
        assert not looks_inverted(half)
