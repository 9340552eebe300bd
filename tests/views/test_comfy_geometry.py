from dataclasses import replace

import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.render.mesh import render_mesh
from recon_lib.views.comfy_geometry import read_geometry
from recon_lib.views.views import Views
from tests.helpers.geometry_dicts import depth_anything, moge
from tests.helpers.shapes import ball


@pytest.fixture(scope="module")
def views() -> Views:
    cameras = Cameras.orbit([0, 40, 110], 15, 3.5, 40, 88, 120)
    return render_mesh(ball(2), cameras, shading="albedo").as_views(cameras)


def test_moges_keys(views):
    read = read_geometry(moge(views))
    assert torch.allclose(read.depth, views.depth, atol=1e-6)
    assert torch.allclose(read.intrinsics, views.cameras.intrinsics, rtol=1e-5)
    assert torch.allclose(read.normals, views.normals * (views.depth > 0), atol=1e-5)
    assert torch.equal(read.images, views.images) and read.world_to_camera is None and len(read) == 3


def test_points_stand_for_depth(views):
    geometry = moge(views)
    del geometry["depth"]
    assert torch.allclose(read_geometry(geometry).depth, views.depth, atol=1e-5)


def test_depth_anythings_intrinsics_are_brought_from_the_networks_picture_to_the_photo(views):
    read = read_geometry(depth_anything(views), confidence=0.1)
    assert torch.allclose(read.intrinsics, views.cameras.intrinsics, rtol=1e-5)
    assert torch.allclose(read.depth, 2.5 * views.depth, atol=1e-5), "and what it is not sure of is unknown"
    assert torch.allclose(torch.linalg.inv(read.world_to_camera)[:, :3, :3], views.cameras.rotation, atol=1e-5)
    nearly = depth_anything(views)
    nearly["intrinsics"][..., :2, 2] *= 1.02  # of pose method ray_pose: the middle is off
    assert torch.allclose(read_geometry(nearly).intrinsics[:, 0, 0], views.cameras.intrinsics[:, 0, 0], rtol=1e-5)
    own = {**depth_anything(views), "intrinsics": views.cameras.intrinsics[None]}
    assert torch.allclose(read_geometry(own).intrinsics, views.cameras.intrinsics), "pixels of the photo stay"


def test_confidence_and_sky(views):
    geometry = depth_anything(views)
    assert (read_geometry(geometry).depth > 0).all()
    sky = (views.depth[:, 0] == 0).float()
    assert torch.equal(read_geometry({**geometry, "sky": sky}).depth > 0, views.depth > 0)
    level = {**geometry, "confidence": torch.full_like(sky, 3.0)}
    assert (read_geometry(level, confidence=0.5).depth > 0).all(), "equally sure everywhere is sure"


def test_identities_are_no_cameras(views):
    geometry = depth_anything(views)
    eye = {"extrinsics": torch.eye(4).repeat(1, 3, 1, 1), "intrinsics": torch.eye(3).repeat(1, 3, 1, 1)}
    read = read_geometry({**geometry, **eye})
    assert read.world_to_camera is None and read.intrinsics is None


def test_inputs_are_left_as_they_are(views):
    geometry = depth_anything(views)
    before = {name: value.clone() for name, value in geometry.items() if isinstance(value, torch.Tensor)}
    read_geometry(geometry, 0.1)
    assert all(torch.equal(geometry[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intrinsics": None}, "panorama"),
        ({"image": None}, "no image"),
        ({"depth": torch.full((3, 88, 120), torch.inf)}, "known nowhere"),
        ({"depth": torch.ones(3, 44, 60)}, "depth has shape"),
        ({"intrinsics": torch.eye(3).repeat(2, 1, 1)}, "2 intrinsics and 3 photos"),
        ({"extrinsics": torch.full((1, 3, 3, 4), torch.nan)}, "NaN"),
        ({"extrinsics": torch.arange(36.0).view(1, 3, 3, 4)}, "no rotations"),
        ({"extrinsics": torch.zeros(3, 2, 2)}, "3x4 or 4x4"),
    ],
)
def test_bad_geometry(views, change, message):
    with pytest.raises(BadInput, match=message):
        read_geometry({**moge(views), **change})


def test_other_values():
    for value in (None, [], {"image": torch.zeros(1, 32, 32, 3)}, torch.zeros(1)):
        with pytest.raises(BadInput, match="connect MoGe's"):
            read_geometry(value)


def test_focal_lengths_of_zero(views):
    flat = moge(replace(views, cameras=replace(views.cameras, intrinsics=views.cameras.intrinsics * 1.0)))
    flat["intrinsics"][:, 0, 0] = 0
    with pytest.raises(BadInput, match="focal lengths"):
        read_geometry(flat)
