"""Visual Hull, Camera Schedule and Outpainting Mask as a graph uses them."""

import math
from types import SimpleNamespace

import pytest
import torch

SIZE, RADIUS = 64, 0.6


def ball_field(radius: float) -> SimpleNamespace:
    bounds = torch.tensor([[-1.0] * 3, [1.0] * 3])
    return SimpleNamespace(bounds=bounds, has_color=False, inside=lambda points: radius - points.norm(dim=-1))


@pytest.fixture
def views(pack):
    """A red ball from six sides, as Make View gives it."""
    cameras = pack.run("Recon3D_CameraOrbit", count=6, elevation=0.0, width=SIZE, height=SIZE).result[0]
    origins, directions = cameras.rays()
    mask = (torch.linalg.cross(-origins, directions).norm(dim=-1) < RADIUS).float()
    image = mask[..., None] * torch.tensor([0.9, 0.1, 0.1])
    return pack.run("Recon3D_MakeView", image=image, cameras=cameras, mask=mask).result[0]


def azimuths(cameras) -> list[int]:
    return torch.rad2deg(torch.atan2(cameras.position[:, 0], cameras.position[:, 2])).round().int().tolist()


def told(pack, node_id: str, **inputs) -> str:
    with pytest.raises(pack.lib("errors").BadInput) as caught:
        pack.run(node_id, **inputs)
    return str(caught.value)


def test_the_hull_of_a_ball(pack, views):
    field, voxel, preview = pack.run("Recon3D_VisualHull", views=views, resolution=32).result
    inside = field.inside(torch.tensor([[0.0, 0.0, 0.0], [0.55, 0.0, 0.0], [0.8, 0.0, 0.0]])) > 0
    assert inside.tolist() == [True, True, False]
    volume = float(voxel.data.sum()) / 16**3
    assert 1 < volume / (4 / 3 * math.pi * RADIUS**3) < 1.5  # six views from the horizon, and a margin of 1.25 px
    assert preview.shape == (4, *[pack.file("carve").PREVIEW_SIZE] * 2, 3) and preview.std() > 0.05


def test_the_voxels_turn_as_comfyuis_do(pack, views):
    """Depth is z, height is y, width is x: a ball moved along x."""
    moved = views.cameras.camera_to_world.clone()
    moved[:, 0, 3] += 0.3
    cameras = type(views.cameras)(moved, views.cameras.intrinsics, SIZE, SIZE)
    shifted = type(views)(views.images, cameras, views.masks)
    data = pack.run("Recon3D_VisualHull", views=shifted, resolution=32).result[1].data
    centre = (data[0].nonzero().float().mean(0) + 0.5) / 16 - 1
    torch.testing.assert_close(centre, torch.tensor([0.0, 0.0, 0.3]), atol=0.03, rtol=0)


def test_comfyuis_own_voxel_class_is_used_where_there_is_one(pack, monkeypatch):
    from comfy_api import latest

    class VOXEL:
        def __init__(self, data):
            self.data = data

    monkeypatch.setattr(latest, "Types", SimpleNamespace(VOXEL=VOXEL), raising=False)
    assert isinstance(pack.file("convert").voxel_to_host(torch.zeros(1, 2, 2, 2)), VOXEL)


def test_depth_is_used_only_when_asked_for(pack, views):
    assert "no depth" in told(pack, "Recon3D_VisualHull", views=views, resolution=16, use_depth=True)
    pack.run("Recon3D_VisualHull", views=views, resolution=16, depth_slack=0.5)


def test_cameras_by_turns(pack, views):
    cameras = pack.run("Recon3D_CameraSchedule").result[0]
    assert azimuths(cameras)[:6] == [45, -45, 90, -90, 135, -135] and (cameras.height, cameras.width) == (512, 512)
    following = pack.run("Recon3D_CameraSchedule", views=views, count=2, distance=9.0).result[0]
    assert (following.height, following.width) == (SIZE, SIZE)
    torch.testing.assert_close(following.position.norm(dim=-1), torch.full((2,), 3.5))


def test_cameras_as_listed(pack):
    listed = {"order": pack.file("schedule").LISTED, "directions": "10\n-80 20\n180"}
    assert azimuths(pack.run("Recon3D_CameraSchedule", **listed).result[0])[:2] == [10, -80]
    assert len(pack.run("Recon3D_CameraSchedule", count=1, **listed).result[0]) == 1
    assert "no direction" in told(pack, "Recon3D_CameraSchedule", **{**listed, "directions": "behind"})


def test_the_next_best_view(pack, views):
    best = pack.file("schedule").BEST
    assert "connect Visual Hull" in told(pack, "Recon3D_CameraSchedule", order=best)
    chosen = pack.run("Recon3D_CameraSchedule", order=best, count=1, hull=ball_field(RADIUS), views=views[0]).result[0]
    assert len(chosen) == 1 and abs(azimuths(chosen)[0]) >= 135


def test_the_mask_of_the_next_view(pack, views):
    cameras = pack.run("Recon3D_CameraSchedule", views=views, count=1).result[0]
    inputs = {"views": views[0], "cameras": cameras, "hull": ball_field(RADIUS * 1.1), "field": ball_field(RADIUS)}
    mask, image, silhouette, preview, gap = pack.run("Recon3D_OutpaintingMask", **inputs).result
    assert torch.equal(gap.masks[:, 0], mask) and len(gap.cameras) == 1
    assert mask.shape == silhouette.shape == (1, SIZE, SIZE) and image.shape == preview.shape == (1, SIZE, SIZE, 3)
    row = SIZE // 2
    known = ((mask == 0) & (silhouette == 1))[0, row].nonzero().flatten()
    missing = mask[0, row].nonzero().flatten()
    # the camera went right, to azimuth 45: the front, which was seen, now lies to the left of what was not
    assert len(known) > 10 and len(missing) > 5 and known.float().mean() < missing.float().mean()
    torch.testing.assert_close(image[0, row, known[5:-5]].mean(0), torch.tensor([0.9, 0.1, 0.1]), atol=0.02, rtol=0)


def test_the_current_surface_is_one_thing(pack, views):
    inputs = {"views": views[0], "cameras": views.cameras[1], "hull": ball_field(0.7)}
    assert "one of them" in told(pack, "Recon3D_OutpaintingMask", **inputs)
    field = ball_field(RADIUS)
    mesh = pack.run("Recon3D_ExtractMesh", field=field, resolution=64).result[0]
    assert "one of them" in told(pack, "Recon3D_OutpaintingMask", **inputs, field=field, mesh=mesh)
    by_mesh, by_field = (
        pack.run("Recon3D_OutpaintingMask", **inputs, **surface).result[0]
        for surface in ({"mesh": mesh}, {"field": field})
    )
    assert (by_mesh != by_field).float().mean() < 0.01
