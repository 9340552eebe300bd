import math
from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.stages.fitting.radiance.novel_cameras import PATHS, STEEPEST, NovelCameras, focus_point
from recon_lib.views.views import Views

SIDE = 32


def ball_views(cameras: Cameras, radius: float = 0.5, center=(0.0, 0.0, 0.0)) -> Views:
    """White pictures and the masks of a ball."""
    origin, direction = cameras.rays()
    offset = torch.tensor(center) - origin
    along = (offset * direction).sum(-1, keepdim=True)
    mask = ((offset - along * direction).norm(dim=-1) < radius).float()[:, None]
    return Views(torch.ones(len(cameras), 3, *mask.shape[-2:]), cameras, mask)


def ring(count=5, elevation=20.0, distance=3.0):
    return Cameras.orbit([360 / count * i for i in range(count)], elevation, distance, 30.0, 64, 64)


def moved(cameras: Cameras, offset) -> Cameras:
    pose = cameras.camera_to_world.clone()
    pose[:, :3, 3] += torch.tensor(offset)
    return replace(cameras, camera_to_world=pose)


def draws(novel: NovelCameras, count=60) -> Cameras:
    return Cameras.cat([novel.draw(torch.Generator().manual_seed(seed)) for seed in range(count)])


def test_the_focus_is_where_the_axes_meet():
    torch.testing.assert_close(focus_point(ring()), torch.zeros(3), atol=1e-4, rtol=0)
    elsewhere = torch.tensor([0.3, -0.2, 0.1])
    torch.testing.assert_close(focus_point(moved(ring(), elsewhere.tolist())), elsewhere, atol=2e-3, rtol=0)
    parallel = Cameras.orbit([0.0], 0.0, 3.0, 30.0, 64, 64)
    torch.testing.assert_close(focus_point(parallel), torch.zeros(3), atol=1e-3, rtol=0)


def test_orbits_go_all_around_at_the_inputs_height_and_distance():
    cameras = draws(NovelCameras.around(ball_views(ring()), SIDE))
    distance = cameras.position.norm(dim=-1)
    elevation = torch.rad2deg(torch.asin(cameras.position[:, 1] / distance))
    azimuth = torch.rad2deg(torch.atan2(cameras.position[:, 0], cameras.position[:, 2])).sort().values
    assert azimuth.diff().max() < 40 and abs(float(elevation.mean()) - 20) < 6
    assert float(elevation.std()) < 20 and elevation.abs().max() <= STEEPEST + 1e-3
    assert abs(float(distance.mean()) - 3) < 0.1 and float(distance.std()) < 0.4


@pytest.mark.parametrize("path", ["orbit", "forward"])
def test_pictures_show_the_object_and_little_more(path):
    center = (0.2, 0.1, -0.1)
    inputs = ball_views(moved(ring(), center), 0.5, center)
    cameras = draws(NovelCameras.around(inputs, SIDE, path), 20)
    mask = ball_views(cameras, 0.5, center).masks
    extent = mask.amax(-1).sum((1, 2)) / SIDE
    assert (extent > 0.6).all() and (mask[..., 0, :].sum() + mask[..., :, 0].sum()) == 0


def test_forward_cameras_stay_where_the_inputs_are():
    inputs = Cameras.orbit([-20.0, 0.0, 20.0], 10.0, 3.0, 30.0, 64, 64)
    cameras = draws(NovelCameras.around(ball_views(inputs), SIDE, "forward"))
    azimuth = torch.rad2deg(torch.atan2(cameras.position[:, 0], cameras.position[:, 2]))
    assert azimuth.abs().max() < 35 and float(azimuth.std()) > 3


def test_free_cameras_are_between_two_inputs():
    inputs = Cameras.orbit([-20.0, 20.0], 10.0, 3.0, 30.0, 48, 64)
    novel = NovelCameras.around(ball_views(inputs), SIDE, "free")
    cameras = draws(novel)
    rotation = cameras.rotation
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand_as(rotation), atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(60), atol=1e-4, rtol=0)
    forward = torch.rad2deg(torch.atan2(-rotation[:, 0, 2], -rotation[:, 2, 2]))
    assert forward.abs().max() < 21 and float(forward.std()) > 3
    focal = inputs.intrinsics[0, 0, 0] * SIDE / 48
    torch.testing.assert_close(cameras.intrinsics[:, 0, 0], focal.expand(60), atol=1e-3, rtol=0)


@pytest.mark.parametrize("path", PATHS)
def test_the_seed_decides(path):
    novel = NovelCameras.around(ball_views(ring()), SIDE, path)
    a, b, other = (novel.draw(torch.Generator().manual_seed(seed)).camera_to_world for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.allclose(a, other)
    assert math.isfinite(float(other.sum()))


def test_bad_inputs_are_told():
    with pytest.raises(BadInput, match="no path 'up'"):
        NovelCameras.around(ball_views(ring()), SIDE, "up")
    with pytest.raises(BadInput, match="shows the object"):
        NovelCameras.around(ball_views(ring(), 0.0), SIDE)
