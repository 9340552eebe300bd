import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.networks.zeroshape_w.model import ZeroShapeWConfig
from recon_lib.progress import Progress
from recon_lib.stages.single_view.mask import segment
from tests.helpers.oracle import SIDE, OracleNetwork, disk_picture, oracle_model, overlap, with_bar


@pytest.mark.parametrize(
    ("height", "width", "centre", "radius"),
    [
        pytest.param(SIDE, SIDE, (50, 44), 30, id="the network's own size"),
        pytest.param(40, 56, (30, 18), 11, id="smaller than the network's"),
        pytest.param(300, 260, (120, 160), 90, id="large"),
        pytest.param(330, 800, (700.3, 90.7), 22, id="small in a wide picture"),
        pytest.param(500, 200, (3, 480), 60, id="cut off by a corner"),
    ],
)
def test_a_disk_is_found(height, width, centre, radius):
    image, true = disk_picture(height, width, centre, radius)
    found = segment(oracle_model(), image)
    assert found.object.shape == found.occluder.shape == (1, 1, height, width)
    assert overlap(found.object, true) > 0.95
    assert found.object.min() >= 0 and found.object.max() <= 1
    assert found.occluder.max() < 0.2


def test_the_second_look_is_closer():
    network = OracleNetwork()
    segment(oracle_model(network), disk_picture(400, 400, (100, 100), 24)[0])
    first, second = ((image[:, 0] > 0.7).sum() for image in network.seen)
    assert second > 20 * first
    assert network.told == [None, None]  # the masks are what is asked for


def test_what_stands_in_front_is_told_apart():
    image, true = disk_picture(200, 240, (120, 100), 70)
    bar = torch.zeros_like(true)
    bar[..., 100:130] = 1
    found = segment(oracle_model(), with_bar(image, 100, 130))
    assert overlap(found.object, true * (1 - bar)) > 0.93
    looked_at = bar * (torch.arange(200)[:, None] > 30) * (torch.arange(200)[:, None] < 170)
    assert ((found.occluder > 0.5) == (bar > 0.5))[looked_at > 0].float().mean() > 0.97
    assert overlap(found.occluder, bar) > 0.85


def test_each_image_of_a_batch_has_its_own_disk():
    left, right = disk_picture(90, 120, (30, 40), 20), disk_picture(90, 120, (80, 50), 30)
    found = segment(oracle_model(), torch.cat([left[0], right[0]]))
    for one, (_, true) in zip(found.object, (left, right), strict=True):
        assert overlap(one, true[0]) > 0.95


def test_the_first_look_stands_when_the_closer_one_sees_nothing():
    class Shy(OracleNetwork):
        def predict_dense(self, image, text=None, masks=None):
            prediction = super().predict_dense(image, text, masks)
            if (prediction.mask > 0).float().mean() > 0.2:
                prediction.mask.fill_(-9)
            return prediction

    image, true = disk_picture(SIDE, SIDE, (40, 40), 15)
    assert overlap(segment(oracle_model(Shy()), image).object, true) > 0.95


class Changed(OracleNetwork):
    """Its second look is multiplied by `second`, or sees only the upper `share` of the object."""

    def __init__(self, second=1.0, share=1.0):
        super().__init__()
        self.second, self.share = second, share

    def predict_dense(self, image, text=None, masks=None):
        prediction = super().predict_dense(image, text, masks)
        if len(self.seen) == 2:
            prediction.mask.mul_(self.second)
            rows = (prediction.mask > 0).any(3)[0, 0].nonzero()
            prediction.mask[:, :, int(rows[0] + self.share * len(rows)) :] = -99
        return prediction


def test_both_looks_are_believed_alike():
    image, true = disk_picture(SIDE, SIDE, (48, 48), 24)
    inside = disk_picture(SIDE, SIDE, (48, 48), 15)[1] > 0
    both, sure = (segment(oracle_model(Changed(second)), image).object for second in (0.5, 1.0))
    logit = torch.logit(sure[inside], 1e-6)
    torch.testing.assert_close(torch.logit(both[inside], 1e-6), 0.75 * logit, rtol=0.02, atol=0.02)
    assert overlap(both, true) > 0.95


@pytest.mark.parametrize(("share", "believed"), [(0.3, False), (0.8, True)])
def test_a_closer_look_that_has_lost_most_of_the_object_is_not_believed(share, believed):
    image, true = disk_picture(SIDE, SIDE, (48, 48), 20)
    found = segment(oracle_model(Changed(share=share)), image).object
    assert (overlap(found, true) < 0.9) == believed


def test_grey_and_transparent_pictures_are_taken():
    image, true = disk_picture(SIDE, SIDE, (40, 50), 20)
    assert overlap(segment(oracle_model(), torch.cat([image, torch.ones_like(true)], 1)).object, true) > 0.95
    with pytest.raises(BadInput, match="No object"):
        segment(oracle_model(), image.mean(1, keepdim=True))


@pytest.mark.parametrize("radius", [0, 0.9], ids=["nothing", "a speck"])
def test_nothing_to_be_found(radius):
    with pytest.raises(BadInput, match="No object was found in the picture; connect a mask"):
        segment(oracle_model(), disk_picture(SIDE, SIDE, (40.5, 40.5), radius)[0])


def test_a_model_without_mask_heads_says_so():
    network = OracleNetwork(ZeroShapeWConfig(image_size=SIDE, occluders=False))
    with pytest.raises(BadInput, match="oracle cannot find masks; connect a mask"):
        segment(oracle_model(network), disk_picture(64, 64, (30, 30), 20)[0])


class StopAfter(Progress):
    """Ends by the user's wish once the network has looked so often."""

    def __init__(self, network, looks):
        super().__init__()
        self.network, self.looks = network, looks

    def check(self):
        if len(self.network.seen) >= self.looks:
            raise Interrupted


def test_two_steps_an_image_and_a_stop_between_them():
    image = disk_picture(64, 64, (30, 30), 20)[0]
    progress, network = Progress(), OracleNetwork()
    segment(oracle_model(network), torch.cat([image, image]), progress=progress)
    assert (progress.done, progress.total) == (4, 4)
    network.seen.clear()
    with pytest.raises(Interrupted):
        segment(oracle_model(network), image, progress=StopAfter(network, 1))
    assert len(network.seen) == 1
