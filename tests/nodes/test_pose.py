"""Pose Photos, Turntable Cameras and Refine Poses as a graph uses them."""

from importlib.util import find_spec

import pytest
import torch

SIZE, RADIUS, COUNT = 40, 0.6, 4


@pytest.fixture
def views(pack):
    """A striped ball from four sides, as Make View gives it."""
    cameras = pack.run("Recon3D_CameraOrbit", count=COUNT, elevation=0.0, width=SIZE, height=SIZE).result[0]
    origins, directions = cameras.rays()
    along = -(origins * directions).sum(-1)
    off = torch.linalg.cross(-origins, directions).norm(dim=-1)
    mask = (off < RADIUS).float()
    points = origins + (along - (RADIUS**2 - off**2).clamp_min(0).sqrt())[..., None] * directions
    image = mask[..., None] * (0.5 + 0.4 * torch.sin(8 * points))
    return pack.run("Recon3D_MakeView", image=image, cameras=cameras, mask=mask).result[0]


def test_turntable_cameras_are_even_steps(pack, views):
    image, mask = views.images.movedim(1, -1), views.masks[:, 0]
    options = {"elevation": 0.0, "fov": 40.0, "direction": "counter-clockwise", "refine": False, "seed": 0}
    found = pack.run("Recon3D_TurntableCameras", images=image, mask=mask, **options).result[0]
    azimuth = torch.rad2deg(torch.atan2(found.cameras.position[:, 0], found.cameras.position[:, 2])) % 360
    torch.testing.assert_close(azimuth, torch.arange(COUNT) * 90.0, atol=1.0, rtol=0)


def test_refine_poses_runs_with_quick_settings(pack, views, monkeypatch):
    refine = pack.lib("stages.posing.refine")
    monkeypatch.setattr(refine.PoseSettings, "__init__", _quick(refine))
    refined = pack.run("Recon3D_RefinePoses", views=views, slack=1.0, lens="keep", seed=0).result[0]
    torch.testing.assert_close(refined.cameras.intrinsics, views.cameras.intrinsics, atol=0.05, rtol=1e-3)
    assert torch.equal(refined.images, views.images)
    assert float((refined.cameras.position - views.cameras.position).norm(dim=-1).max()) < 0.3


def _quick(refine):
    first = refine.PoseSettings.__init__

    def init(self, **options):
        first(self, rounds=(refine.PoseRound(40, 1.0, 24, 0.5, 0.01),), **options)

    return init


@pytest.mark.skipif(find_spec("pycolmap") is None, reason="needs pycolmap (requirements/pose.txt)")
def test_photos_that_have_nothing_in_common(pack):
    images = torch.rand(3, 48, 48, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(pack.lib("errors").BadInput, match="Only 0 of 3 photos register"):
        pack.run("Recon3D_PosePhotos", images=images, focal=0.0, surroundings=0.15, seed=0)
