import pytest
import torch

from recon_lib.networks.zeroshape_w.model import ZeroShapeWConfig
from recon_lib.stages.single_view import object_crop as room
from recon_lib.stages.single_view.object_crop import MIN_OCCLUDER_SHARE, OCCLUDED_SHARE, object_crop, predict_crop
from recon_lib.views.square_crop import OBJECT_SHARE, SquareCrop
from tests.helpers.oracle import SIDE, OracleNetwork, disk_picture, overlap

HEIGHT, WIDTH = 80, 120


def box(top, bottom, left, right, value=1.0):
    mask = torch.zeros(1, 1, HEIGHT, WIDTH)
    mask[..., top:bottom, left:right] = value
    return mask


class TestWindow:
    mask = box(20, 60, 30, 80)  # 50 wide, 2000 pixels

    def test_around_the_visible_part(self):
        for nothing in (None, self.mask * 0):
            assert object_crop(self.mask, nothing) == SquareCrop.around(self.mask[0, 0], OBJECT_SHARE)

    def test_wider_where_something_stands_in_front(self):
        crop = object_crop(self.mask, box(20, 60, 80, 100))
        assert crop == SquareCrop.around(self.mask[0, 0], OCCLUDED_SHARE)
        plain = object_crop(self.mask)
        assert (plain.side, crop.side) == (round(50 / OBJECT_SHARE), round(50 / OCCLUDED_SHARE))
        assert crop.left < plain.left and crop.top < plain.top  # the same middle

    def test_specks_hide_nothing(self):
        least = round(MIN_OCCLUDER_SHARE * 2000)
        assert object_crop(self.mask, box(0, 1, 0, least)) == object_crop(self.mask)
        assert object_crop(self.mask, box(0, 1, 0, least + 1)).side > object_crop(self.mask).side

    def test_doubtful_occluders_do_not_count(self):
        assert object_crop(self.mask, box(0, 80, 80, 120, value=0.5)) == object_crop(self.mask)


class TestPredictCrop:
    centre, radius = (60.0, 40.0), 24.0

    def predicted(self, occluder=None, **config):
        network = OracleNetwork(ZeroShapeWConfig(image_size=SIDE, **config))
        image, mask = disk_picture(HEIGHT, WIDTH, self.centre, self.radius)
        result = predict_crop(network, image, mask, occluder, "cpu")
        (seen,), (told,) = network.seen, network.told
        assert result.crop == object_crop(mask, occluder)
        assert result.prediction.dense.depth.shape == (1, 1, SIDE, SIDE) and seen.shape == (1, 3, SIDE, SIDE)
        return result.crop, image, seen, told

    def test_the_picture_in_the_window_with_its_masks(self):
        crop, image, seen, told = self.predicted()
        assert torch.equal(seen, crop.crop(image, SIDE))
        at = torch.arange(SIDE) + 0.5 - SIDE / 2
        disk = torch.hypot(at, at[:, None]) < self.radius * SIDE / crop.side
        assert overlap(told[0, 0], disk) > 0.97
        assert not told[:, 1].any()

    def test_masks_are_told_as_training_tells_them(self):
        """Nothing between 0 and 1, though the edges are soft."""
        occluder = box(30, 50, 70, 110, value=0.8)
        crop, _, _, told = self.predicted(occluder)
        assert set(told.unique().tolist()) == {0.0, 1.0}
        assert torch.equal(told[:, 1:], (crop.crop_coverage(occluder, SIDE) > 0.5).float())
        assert told[:, 1].any() and told.shape == (1, 2, SIDE, SIDE)

    def test_nothing_is_told_beyond_the_picture(self, monkeypatch):
        monkeypatch.setattr(room, "object_crop", lambda *_: SquareCrop(-20, -40, 160))
        network = OracleNetwork(ZeroShapeWConfig(image_size=SIDE))
        image, mask = disk_picture(HEIGHT, WIDTH, self.centre, self.radius)
        predict_crop(network, image, mask, torch.ones(1, 1, HEIGHT, WIDTH), "cpu")
        inside = torch.zeros(SIDE, SIDE)
        inside[SIDE // 4 : SIDE * 3 // 4, SIDE // 8 : SIDE * 7 // 8] = 1
        assert torch.equal(network.told[0][0, 1], inside)

    @pytest.mark.parametrize("occluders", [True, False])
    def test_only_zeroshape_sees_white_around_it(self, occluders):
        _, _, seen, told = self.predicted(occluders=occluders)
        around = seen.permute(0, 2, 3, 1)[0, :5].mean()
        assert float(around) == pytest.approx(0.5 if occluders else 1.0)
        on = told[0, 0, SIDE // 2, SIDE // 2], seen[0, :, SIDE // 2, SIDE // 2]
        assert on[0] == 1
        torch.testing.assert_close(on[1], torch.tensor([0.9, 0.1, 0.1]))
