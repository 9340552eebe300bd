import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import Interrupted
from recon_lib.stages.posing.agreement import agreement
from recon_lib.views.views import Views
from tests.helpers.posed import box, posed


def ring(elevation: float) -> Views:
    return posed(box((0.7, 0.35, 0.2)), Cameras.orbit([60.0 * i for i in range(6)], elevation, 3.3, 35.0, 40, 40))


@pytest.mark.parametrize("resolution", [(48, 32), (128, 64)])
def test_it_is_highest_with_the_true_cameras(resolution):
    truth, wrong = ring(30.0), ring(0.0)
    right = agreement(truth, lambda: None, *resolution)
    assert right > 0.85
    assert agreement(Views(truth.images, wrong.cameras, truth.masks), lambda: None, *resolution) < right


def test_masks_without_a_common_point_do_not_agree():
    """Three cameras at one place whose masks lie beside each other."""
    views = ring(30.0)[torch.tensor([0, 0, 0])]
    masks = torch.zeros_like(views.masks)
    masks[0, ..., :10], masks[1, ..., 15:25], masks[2, ..., 30:] = 1, 1, 1
    assert agreement(Views(views.images, views.cameras, masks), lambda: None) == 0


def test_it_can_be_stopped():
    def stop():
        raise Interrupted

    with pytest.raises(Interrupted):
        agreement(ring(30.0), stop)
