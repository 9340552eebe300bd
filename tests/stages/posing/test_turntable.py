import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.stages.evaluation.cameras import camera_errors
from recon_lib.stages.posing.turntable import turntable_views
from recon_lib.views.views import Views
from tests.helpers.posed import box, posed


def ring(elevation: float, turn: float = 1.0) -> Views:
    cameras = Cameras.orbit([turn * 60.0 * i for i in range(6)], elevation, 3.3, 35.0, 40, 40)
    return posed(box((0.7, 0.35, 0.2)), cameras)


def test_even_steps_at_a_told_elevation():
    truth = ring(20.0)
    views = turntable_views(truth.images, truth.masks, elevation=20.0, fov=35.0, clockwise=False, refine=False)
    errors = camera_errors(views.cameras, truth.cameras)
    assert float(errors.rotation.max()) < 3 and float(errors.position.max()) < 3


@pytest.mark.slow
@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_elevation_and_the_way_round_are_found(turn):
    truth = ring(45.0, turn)
    views = turntable_views(truth.images, truth.masks, fov=35.0, refine=False)
    errors = camera_errors(views.cameras, truth.cameras)
    assert float(errors.rotation.mean()) < 16


def test_pictures_and_masks_must_fit():
    with pytest.raises(BadInput, match="three or more"):
        turntable_views(torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8))
    with pytest.raises(BadInput, match="masks"):
        turntable_views(torch.zeros(4, 3, 8, 8), torch.zeros(3, 1, 8, 8))
