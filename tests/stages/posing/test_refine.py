from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput, Interrupted
from recon_lib.progress import Progress
from recon_lib.stages.evaluation.cameras import align_cameras, camera_errors
from recon_lib.stages.posing.increments import moved
from recon_lib.stages.posing.refine import PoseRound, PoseSettings, refine_poses
from recon_lib.views.views import Views
from tests.helpers.posed import Solid, around, ellipsoid, posed

QUICK = PoseSettings(
    rounds=(
        PoseRound(48, 1.5, 32, 1.5, 0.02),
        PoseRound(48, 1.0, 32, 1.0, 0.03),
        PoseRound(48, 1.0, 32, 0.5, 0.05),
        PoseRound(48, 1.0, 32, 0.5, 0.05),
    )
)


class Textured(Solid):
    """A solid with waves of colour a quarter of its size."""

    def color(self, points: torch.Tensor, directions: torch.Tensor | None = None) -> torch.Tensor:
        return 0.5 + 0.4 * torch.sin(10 * points)


def disturbed(views: Views, radians: float, part: float, seed: int = 0) -> Views:
    """Views whose cameras are turned and moved at random by so much, in parts of their distance from the origin."""
    generator = torch.Generator().manual_seed(seed)
    turn, shift = (torch.nn.functional.normalize(torch.randn(len(views), 3, generator=generator)) for _ in range(2))
    distance = views.cameras.position.norm(dim=-1, keepdim=True)
    step = torch.cat([radians * turn, part * distance * shift, torch.zeros(len(views), 1)], 1)
    return replace(views, cameras=moved(views.cameras, step))


@pytest.fixture(scope="module")
def truth() -> Views:
    views = posed(Textured(ellipsoid((0.7, 0.5, 0.45)).distance), around(8, 48))
    return Views(views.images, views.cameras, views.masks)


def test_disturbed_poses_come_back(truth):
    start = disturbed(truth, 0.05, 0.03)
    before = camera_errors(start.cameras, truth.cameras)
    after = camera_errors(refine_poses(start, settings=QUICK).cameras, truth.cameras)
    assert float(after.rotation.mean()) < 0.5 * float(before.rotation.mean())
    assert float(after.position.mean()) < 0.6 * float(before.position.mean())


def test_world_scale_and_pictures_stay_and_the_seed_decides(truth):
    start = disturbed(truth, 0.03, 0.02)
    quick = replace(QUICK, rounds=QUICK.rounds[:2])
    first, second = (refine_poses(start, settings=quick, seed=3) for _ in range(2))
    assert torch.equal(first.cameras.camera_to_world, second.cameras.camera_to_world)
    assert first.images is start.images
    back = align_cameras(first.cameras, start.cameras).matrix
    torch.testing.assert_close(back, torch.eye(4, dtype=torch.float64), atol=1e-4, rtol=0)


def test_any_scale_gives_the_same(truth):
    start = disturbed(truth, 0.03, 0.02)
    quick = replace(QUICK, rounds=QUICK.rounds[:2])
    pose = start.cameras.camera_to_world.clone()
    pose[:, :3, 3] *= 1000
    large = refine_poses(replace(start, cameras=replace(start.cameras, camera_to_world=pose)), settings=quick)
    small = refine_poses(start, settings=quick)
    errors = camera_errors(large.cameras, small.cameras)
    assert float(errors.rotation.max()) < 0.2 and float(errors.position.max()) < 0.3


def test_cameras_that_fit_less_are_not_taken(truth, monkeypatch, caplog):
    """As with eight close photographs of a head, half of which cut it off."""
    from recon_lib.stages.posing import refine

    fits = iter([0.8, 0.9])
    monkeypatch.setattr(refine, "agreement", lambda *_: next(fits))
    start = disturbed(truth, 0.03, 0.02)
    assert refine_poses(start, settings=replace(QUICK, rounds=())) is start
    assert "stay as they are" in caplog.text and "0.800" in caplog.text


def test_too_few_views_and_missing_masks(truth):
    with pytest.raises(BadInput, match="three or more"):
        refine_poses(truth[:2])
    with pytest.raises(BadInput, match="mask of view 0 is empty"):
        refine_poses(replace(truth, masks=torch.zeros_like(truth.masks)))


def test_the_user_can_stop_it(truth):
    class Stopped(Progress):
        def check(self) -> None:
            raise Interrupted

    with pytest.raises(Interrupted):
        refine_poses(truth, settings=QUICK, progress=Stopped())
