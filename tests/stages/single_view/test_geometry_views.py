import logging
from dataclasses import replace

import pytest
import torch
from scipy.spatial.transform import Rotation

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.render.mesh import render_mesh
from recon_lib.stages.single_view.geometry_views import views_from_geometry
from recon_lib.views.comfy_geometry import read_geometry
from recon_lib.views.views import Views
from tests.helpers.geometry_dicts import depth_anything, moge
from tests.helpers.shapes import ball

AZIMUTHS = [0.0, 90.0, 180.0, 270.0]


@pytest.fixture(scope="module")
def views() -> Views:
    cameras = Cameras.orbit(AZIMUTHS, 15, 3.5, 40, 88, 120)
    return render_mesh(ball(3), cameras, shading="albedo").as_views(cameras)


def points_of(views: Views) -> torch.Tensor:
    return views.cameras.unproject(views.depth)[views.depth[:, 0] > 0]


def test_several_views_come_back_in_their_own_world(views):
    """Another unit, turned and shifted: up is +y again, the first camera in front, the ball in the unit sphere."""
    world = torch.eye(4)
    world[:3, :3] = torch.from_numpy(Rotation.from_euler("xyz", [130, 20, 50], degrees=True).as_matrix())
    world[:3, 3] = torch.tensor([5.0, -3.0, 8.0])
    found = views_from_geometry(read_geometry(depth_anything(views, world=world), 0.1))
    scale = found.cameras.position[0].norm() / views.cameras.position[0].norm()
    assert scale.item() == pytest.approx(1 / 1.02, abs=0.01)
    assert torch.allclose(found.cameras.rotation, views.cameras.rotation, atol=1e-3)
    assert torch.allclose(found.cameras.position / scale, views.cameras.position, atol=0.02)
    radii = points_of(found).norm(dim=-1) / scale
    assert (radii - 1).abs().max() < 0.02, "depth and cameras have one unit"


def test_one_view_looks_along_minus_z_at_the_objects_middle(views):
    found = views_from_geometry(read_geometry(moge(views[0])))
    assert torch.allclose(found.cameras.rotation[0], torch.diag(torch.tensor([1.0, -1, -1])))
    points = points_of(found)
    assert points.norm(dim=-1).max() < 1.03 and points[:, 2].max() > 0.8, "the front is in front"
    assert points[:, :2].mean(0).abs().max() < 0.05
    shown = found.cameras.project(points)[0][0]
    rows, columns = (found.depth[0, 0] > 0).nonzero(as_tuple=True)
    assert torch.allclose(shown, torch.stack([columns, rows], -1) + 0.5, atol=1e-2), "the photo's pixels"
    assert torch.allclose(found.normals, views[0].normals, atol=1e-5)


def test_masks_say_what_the_object_is(views):
    masks = views.masks.clone()
    masks[..., :60] = 0
    found = views_from_geometry(read_geometry(depth_anything(views)), masks)
    assert torch.equal(found.masks, masks)
    assert not found.depth[masks == 0].any() and (found.depth[masks > 0.5] > 0).all()


def test_a_known_lens_wins_and_a_missing_one_is_told(views, caplog):
    single = {**depth_anything(views[0]), "mode": "mono"}
    del single["extrinsics"], single["intrinsics"]
    read = read_geometry(single, 0.1)
    with caplog.at_level(logging.WARNING, logger="recon3d"):
        assumed = views_from_geometry(read)
    assert "40 degrees" in caplog.text
    assert torch.rad2deg(2 * torch.atan(60 / assumed.cameras.intrinsics[0, 0, 0])).item() == pytest.approx(40, abs=0.1)
    caplog.clear()
    found = views_from_geometry(read, cameras=views.cameras[1])
    assert torch.allclose(found.cameras.intrinsics, views.cameras[0].intrinsics) and not caplog.text


def test_bad_input(views):
    read = read_geometry(moge(views))
    with pytest.raises(BadInput, match="4 photos without poses"):
        views_from_geometry(read)
    corner = torch.zeros(1, 1, 88, 120)
    corner[..., :9, :9] = 1
    with pytest.raises(BadInput, match="no depth on the object"):
        views_from_geometry(read_geometry(moge(views[0])), corner)
    spot = replace(views[0], depth=views[0].depth * 0)
    spot.depth[0, 0, 44, 60] = 3.0
    with pytest.raises(BadInput, match="in one place"):
        views_from_geometry(read_geometry(moge(spot)))
