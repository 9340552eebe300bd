from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import Interrupted
from recon_lib.stages.evaluation.cameras import camera_errors
from recon_lib.stages.posing.descent import AdjustSettings
from recon_lib.stages.posing.increments import moved
from recon_lib.stages.posing.outlines import adjust_to_outlines, expected_system, tangent_system
from recon_lib.stages.posing.tangency import Outlines
from tests.helpers.posed import around, box, posed


@pytest.fixture(scope="module")
def truth():
    views = posed(box((0.6, 0.4, 0.3)), around(10, 128))
    return views.cameras, Outlines.of(views.masks)


def test_cameras_come_back_without_any_surface(truth):
    cameras, outlines = truth
    step = 0.05 * torch.randn(10, 7, generator=torch.Generator().manual_seed(2))
    step[:, 6] = 0
    start = moved(cameras, step)
    before, after = (camera_errors(c, cameras) for c in (start, adjust_to_outlines(start, outlines, AdjustSettings())))
    assert float(after.rotation.mean()) < 0.5 * float(before.rotation.mean())
    assert float(after.position.mean()) < float(before.position.mean())


def test_the_size_of_the_pictures_does_not_count(truth):
    cameras, outlines = truth
    step = 0.04 * torch.randn(10, 7, generator=torch.Generator().manual_seed(3))
    step[:, 6] = 0
    start = moved(cameras, step)
    small, large = (
        adjust_to_outlines(c, outlines, AdjustSettings()) for c in (start.resized(256, 256), start.resized(1024, 1024))
    )
    torch.testing.assert_close(small.camera_to_world, large.camera_to_world, atol=1e-3, rtol=1e-3)


def test_without_pairs_cameras_stay(truth):
    cameras, outlines = truth
    nothing = replace(outlines, cut=torch.ones_like(outlines.cut))
    assert adjust_to_outlines(cameras, nothing, AdjustSettings()) is cameras
    system = tangent_system(cameras, outlines, torch.zeros(2, 0, dtype=torch.long), AdjustSettings())
    assert system.cost == 0 and not system.matrix.any() and not system.vector.any()


def test_it_can_be_stopped(truth):
    def stop():
        raise Interrupted

    cameras, outlines = truth
    with pytest.raises(Interrupted):
        adjust_to_outlines(cameras, outlines, AdjustSettings(), stop)


def test_expected_cameras_in_closed_form():
    """A camera turned by 0.1 and moved by 0.2 of its distance, where 0.05 of either is a standard deviation."""
    given = Cameras.orbit([0.0, 90.0], 0.0, 2.0, 40.0, 16, 16)
    step = torch.zeros(2, 7)
    step[0, 1], step[1, 4] = 0.1, 0.4
    system = expected_system(moved(given, step), given, torch.zeros(3), AdjustSettings(pose=0.05))
    assert system.cost == pytest.approx(2.0**2 + 4.0**2, rel=0.01)
    assert system.matrix.diagonal()[:7].tolist() == pytest.approx([400] * 3 + [100] * 3 + [1 / 0.003**2], rel=1e-3)
