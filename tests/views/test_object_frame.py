"""The object's frame: whatever units and place the world has, fits see the same."""

from dataclasses import replace

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.views.object_frame import ObjectFrame, turned_views
from tests.helpers.posed import around, ellipsoid, posed

VIEWS = posed(ellipsoid(), around(4, 24))


def moved(scale, shift):
    pose = VIEWS.cameras.camera_to_world.clone()
    pose[:, :3, 3] = pose[:, :3, 3] * scale + torch.tensor(shift)
    return replace(VIEWS, cameras=replace(VIEWS.cameras, camera_to_world=pose), depth=VIEWS.depth * scale)


@pytest.mark.parametrize(("scale", "shift"), [(1e-3, (0.0, 0, 0)), (1e3, (50.0, -700, 20)), (1.0, (3.0, 4, 5))])
def test_worlds_of_all_units_are_one(scale, shift):
    plain, frame = ObjectFrame.of(VIEWS), ObjectFrame.of(moved(scale, shift))
    views, other = plain.views_into(VIEWS), frame.views_into(moved(scale, shift))
    assert frame.scale == pytest.approx(scale * plain.scale, rel=1e-3)
    torch.testing.assert_close(other.cameras.camera_to_world, views.cameras.camera_to_world, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(other.depth, views.depth, atol=1e-3, rtol=1e-3)
    back = frame.views_out(other)
    torch.testing.assert_close(
        back.cameras.position, moved(scale, shift).cameras.position, atol=1e-5 * scale, rtol=1e-5
    )
    torch.testing.assert_close(back.depth, moved(scale, shift).depth)


def test_the_object_lies_in_the_unit_sphere():
    frame = ObjectFrame.of(moved(1e3, (50.0, -700, 20)))
    corners = torch.tensor([[0.7, 0, 0], [0, 0.4, 0], [0, 0, 0.5]]) * 1e3 + torch.tensor([50.0, -700, 20])
    placed = (corners - torch.tensor(frame.center)) / frame.scale
    assert 0.3 < placed.norm(dim=-1).max() < 1


def far_away(views, origin):
    return replace(views, cameras=replace(views.cameras, origin=origin))


def test_meshes_return_and_keep_far_origins():
    views = far_away(moved(10.0, (1.0, 2, 3)), (446_000.0, 5_540_000.0, 311.0))
    frame = ObjectFrame.of(views)
    points = (torch.tensor([[10.0, 20, 30], [1, 2, 3], [4, 5, 7]]) - torch.tensor(frame.center)) / frame.scale
    mesh = frame.mesh_out(Mesh(points, torch.tensor([[0, 1, 2]])))
    torch.testing.assert_close(mesh.vertices, torch.tensor([[10.0, 20, 30], [1, 2, 3], [4, 5, 7]]))
    assert mesh.origin == views.origin
    assert frame.views_into(views).origin == (0, 0, 0)


def test_cameras_that_count_from_another_origin():
    frame = ObjectFrame.of(far_away(VIEWS, (100.0, 0.0, 0.0)))
    pose = VIEWS.cameras.camera_to_world.clone()
    pose[:, 0, 3] += 100
    far = replace(VIEWS.cameras, camera_to_world=pose)
    found = frame.cameras_into(far).camera_to_world
    own = frame.cameras_into(replace(VIEWS.cameras, origin=(100.0, 0.0, 0.0)))
    torch.testing.assert_close(found, own.camera_to_world, atol=1e-4, rtol=1e-4)
    assert far.camera_to_world[0, 0, 3] > 90, "inputs stay as they were"


def test_a_turn_moves_cameras_and_the_far_origin_alike():
    turn = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    found = turned_views(far_away(VIEWS, (1e6, 2e6, 3e6)), turn)
    assert found.origin == (1e6, 3e6, -2e6)
    torch.testing.assert_close(found.cameras.position, VIEWS.cameras.position @ turn.T)
    pixels = found.cameras.project(torch.tensor([[0.1, 0.3, -0.2]]))[0]
    torch.testing.assert_close(pixels, VIEWS.cameras.project(torch.tensor([[0.1, 0.2, 0.3]]))[0], atol=1e-3, rtol=1e-4)


def test_empty_masks_are_told_as_such():
    with pytest.raises(BadInput, match="masks of all views are empty"):
        ObjectFrame.of(replace(VIEWS, masks=VIEWS.masks * 0))
