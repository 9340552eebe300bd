import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.views.square_crop import SquareCrop

HEIGHT, WIDTH = 20, 30


def ramp(channels=1):
    """Every pixel holds the x of its centre; a second channel the y."""
    x = (torch.arange(WIDTH) + 0.5).expand(HEIGHT, -1)
    y = (torch.arange(HEIGHT) + 0.5)[:, None].expand(-1, WIDTH)
    return torch.stack([x, y][:channels])[None]


def box(top, bottom, left, right):
    mask = torch.zeros(HEIGHT, WIDTH)
    mask[top:bottom, left:right] = 1
    return mask


class TestPlace:
    def test_whole_picture_is_centred_in_its_square(self):
        assert SquareCrop.whole(20, 30) == SquareCrop(0, -5, 30)
        assert SquareCrop.whole(31, 10) == SquareCrop(-11, 0, 31)

    def test_around_gives_the_longer_side_its_share(self):
        assert SquareCrop.around(box(4, 10, 6, 22), share=0.8) == SquareCrop(4, -3, 20)
        assert SquareCrop.around(box(1, 19, 3, 9), share=0.75) == SquareCrop(-6, -2, 24)

    def test_soft_values_below_a_half_do_not_count(self):
        mask = box(4, 10, 6, 22)
        mask[0, 0] = 0.5
        assert SquareCrop.around(mask, share=0.8) == SquareCrop(4, -3, 20)

    def test_a_single_pixel_still_has_a_crop(self):
        crop = SquareCrop.around(box(3, 4, 7, 8))
        assert crop.side == 8
        assert crop.left <= 7 < crop.left + 8 and crop.top <= 3 < crop.top + 8


class TestCrop:
    def test_at_its_own_size_it_is_a_crop(self):
        assert torch.equal(SquareCrop(4, 3, 10).crop(ramp(2), 10), ramp(2)[..., 3:13, 4:14])

    def test_scaled_down_pixels_are_means_around_their_centres(self):
        cropped = SquareCrop(4, 2, 16).crop(ramp(2), 8)
        centres = 2 * torch.arange(8) + 1.0
        torch.testing.assert_close(cropped[0, 0, :, 1:-1], (centres[1:-1] + 4).expand(8, -1))
        torch.testing.assert_close(cropped[0, 1, 1:-1], (centres[1:-1, None] + 2).expand(-1, 8))

    def test_the_border_is_repeated_beyond_it(self):
        cropped = SquareCrop(-4, -6, 40).crop(ramp(2), 40)[0]
        assert torch.equal(cropped[0, 9, :5], torch.full((5,), 0.5))
        assert torch.equal(cropped[0, 9, 4:34], ramp()[0, 0, 0])
        assert torch.equal(cropped[1, :, 9], (torch.arange(40) - 5.5).clamp(0.5, 19.5))

    def test_masked_values_are_means_over_the_mask_alone(self):
        mask = box(0, 20, 0, 13)[None, None]
        values = torch.where(mask > 0, 3.0, 1e6)
        mean, coverage = SquareCrop(5, 2, 16).crop_masked(values, mask, 8)
        assert torch.equal(mean > 0, coverage > 1e-3)
        torch.testing.assert_close(mean[coverage > 1e-3], torch.full((int((coverage > 1e-3).sum()),), 3.0))
        torch.testing.assert_close(coverage[0, 0, :, :3], torch.ones(8, 3))
        torch.testing.assert_close(coverage[0, 0, 0, 3:6], torch.tensor([0.875, 0.125, 0.0]))
        assert not coverage[..., 6:].any()

    def test_nothing_is_known_beyond_the_picture(self):
        ones = torch.ones(1, 1, HEIGHT, WIDTH)
        mean, coverage = SquareCrop(-10, 0, 20).crop_masked(ones, ones, 20)
        assert not coverage[..., :10].any() and not mean[..., :10].any()
        assert torch.equal(mean[..., 10:], torch.ones(1, 1, 20, 10))


class TestCoverage:
    def test_the_covered_part_of_each_pixel(self):
        coverage = SquareCrop(5, 2, 16).crop_coverage(box(0, 20, 0, 13)[None, None], 8)
        torch.testing.assert_close(coverage[0, 0, 3], torch.tensor([1, 1, 1, 0.875, 0.125, 0, 0, 0]))

    def test_soft_masks_stay_soft(self):
        coverage = SquareCrop(5, 2, 10).crop_coverage(torch.full((1, 1, HEIGHT, WIDTH), 0.3), 5)
        torch.testing.assert_close(coverage, torch.full((1, 1, 5, 5), 0.3))

    @pytest.mark.parametrize(("crop", "size"), [(SquareCrop(-10, -4, 40), 40), (SquareCrop(-10, -4, 40), 20)])
    def test_nothing_is_covered_beyond_the_picture(self, crop, size):
        """Though the picture itself is repeated there, and the mask reaches its border."""
        coverage = crop.crop_coverage(torch.ones(1, 1, HEIGHT, WIDTH), size)
        at = (torch.arange(size) + 0.5) * crop.side / size
        x, y = at + crop.left, at[:, None] + crop.top
        beyond = torch.maximum((x - WIDTH / 2).abs() - WIDTH / 2, (y - HEIGHT / 2).abs() - HEIGHT / 2)
        pixel = crop.side / size  # of the crop, in the picture's pixels
        assert not coverage[0, 0][beyond >= pixel].any()
        torch.testing.assert_close(coverage[0, 0][beyond <= -pixel], torch.ones(int((beyond <= -pixel).sum())))
        assert crop.crop(torch.ones(1, 1, HEIGHT, WIDTH), size).min() == pytest.approx(1)


class TestPaste:
    @pytest.mark.parametrize(
        "crop", [SquareCrop(4, 3, 10), SquareCrop(-4, -6, 40), SquareCrop(25, 15, 12), SquareCrop(-3, 12, 9)]
    )
    def test_inverts_crop_at_the_same_size(self, crop):
        back = crop.paste(crop.crop(ramp(2), crop.side), HEIGHT, WIDTH, beyond=-7.0)
        inside = box(
            max(crop.top, 0), min(crop.top + crop.side, HEIGHT),
            max(crop.left, 0), min(crop.left + crop.side, WIDTH),
        ).bool()  # fmt: skip
        assert torch.equal(back, torch.where(inside, ramp(2), -7.0))

    def test_enlarged_values_keep_their_places(self):
        back = SquareCrop(6, 2, 16).paste((torch.arange(4) * 4.0 + 8).expand(1, 1, 4, 4), HEIGHT, WIDTH, 0.0)
        torch.testing.assert_close(back[0, 0, 2:18, 8:20], ramp()[0, 0, 2:18, 8:20])


class TestCameras:
    crop, size = SquareCrop(-9, 7, 44), 16

    def test_picture_and_crop_are_inverse(self):
        intrinsics = torch.tensor([[[21.0, 0, 7.5], [0, 22.0, 8.25], [0, 0, 1]]])
        picture = self.crop.picture_intrinsics(intrinsics, self.size, HEIGHT, WIDTH)
        torch.testing.assert_close(self.crop.crop_intrinsics(picture, self.size), intrinsics)

    def test_a_point_falls_on_the_same_content(self):
        intrinsics = torch.tensor([[[21.0, 0, 7.5], [0, 22.0, 8.25], [0, 0, 1]]])
        points, pose = torch.randn(20, 3) + torch.tensor([0, 0, 6.0]), torch.eye(4)[None]
        picture = self.crop.picture_intrinsics(intrinsics, self.size, HEIGHT, WIDTH)
        in_crop = Cameras(pose, intrinsics, self.size, self.size).project(points)[0]
        in_picture = Cameras(pose, picture, HEIGHT, WIDTH).project(points)[0]
        torch.testing.assert_close(in_picture, in_crop * (44 / 16) + torch.tensor([-9.0, 7.0]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_a_network_may_count_pixels_from_their_corner(offset):
    """Its pixel coordinate u means our u + 0.5 - offset; the way back is the inverse."""
    crop, own = SquareCrop(10, 20, 64), torch.tensor([[[50.0, 0, 16], [0, 50.0, 16], [0, 0, 1]]])
    picture = crop.picture_intrinsics(own, 32, 200, 300, offset)
    assert torch.allclose(picture[0, :2, 2], torch.tensor([10.0, 20.0]) + 2 * (16 + 0.5 - offset))
    torch.testing.assert_close(crop.crop_intrinsics(picture, 32, offset), own)
