import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.cameras.upright import up_from_angles
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.single_view.stand_upright import (
    cameras_turned,
    on_ground,
    turned,
    vertical,
    world_to_upright,
)
from recon_lib.views.views import Views
from tests.helpers.list_oracle import ELEVATION, ROLL, list_model, photo
from tests.helpers.oracle import oracle_model
from tests.helpers.shapes import ball

TILTED = Cameras.orbit(130.0, -20.0)


def ellipsoid() -> Mesh:
    return Mesh(ball().vertices * torch.tensor([0.5, 1.0, 0.3]), ball().faces)


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 40.0), (130.0, -20.0)])
def test_a_mesh_in_any_world_of_a_tilted_view_is_turned_upright(azimuth, elevation):
    """Up to a turn about the vertical it is the mesh that the camera looked at, whatever world it came in."""
    camera, standing = Cameras.orbit(azimuth, elevation), ellipsoid()
    for world in (torch.eye(3), camera.rotation[0].mT, TILTED.rotation[0]):
        seen = Mesh(standing.vertices @ world.mT, standing.faces)
        pose = torch.block_diag(world, torch.ones(1, 1)) @ camera.camera_to_world
        seeing = Cameras(pose, camera.intrinsics, camera.height, camera.width)
        found = turned(seen, world_to_upright(camera.rotation[0, 1], seeing))
        torch.testing.assert_close(found.vertices[:, 1], standing.vertices[:, 1], atol=1e-5, rtol=0)
        torch.testing.assert_close(found.vertices.norm(dim=-1), standing.vertices.norm(dim=-1), atol=1e-5, rtol=0)


def test_the_cameras_turn_along():
    mesh, up = ellipsoid(), torch.nn.functional.normalize(torch.tensor([0.2, -1.0, -0.4]), dim=0)
    turn = world_to_upright(up, TILTED)
    found = cameras_turned(TILTED, turn).project(turned(mesh, turn).vertices)[0]
    torch.testing.assert_close(found, TILTED.project(mesh.vertices)[0], atol=1e-3, rtol=0)
    assert torch.linalg.det(turn) == pytest.approx(1, abs=1e-5)


def test_the_vertical_of_a_photo():
    image, mask = photo(48)
    views = Views(image, Cameras.orbit(0.0, 0.0, height=48, width=48), mask)
    expected = up_from_angles(torch.tensor([ELEVATION]), torch.tensor([ROLL]))[0]
    torch.testing.assert_close(vertical(list_model(), views), expected, atol=1e-4, rtol=0)
    with pytest.raises(BadInput, match="LIST"):
        vertical(oracle_model(), views)


def test_on_the_ground():
    moved = on_ground(Mesh(ball().vertices + torch.tensor([1.0, 5, 2]), ball().faces))
    assert moved.vertices[:, 1].amin() == 0
    torch.testing.assert_close(moved.vertices.amax(0), torch.tensor([2.0, 2.0, 3.0]), atol=1e-3, rtol=0)
    empty = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long))
    assert on_ground(empty) is empty
