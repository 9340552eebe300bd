import pytest
import torch

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.visibility import visible_points


def sphere(subdivisions=5):
    from trimesh.creation import icosphere

    shape = icosphere(subdivisions)
    return Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))


def wall(z, half=1.0):
    corners = torch.tensor([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]])
    return Mesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))


def join(a, b):
    return Mesh(torch.cat([a.vertices, b.vertices]), torch.cat([a.faces, b.faces + len(a.vertices)]))


@pytest.mark.parametrize("distance", [2.0, 3.0, 8.0])
def test_a_sphere_shows_the_cap_before_its_horizon(distance):
    mesh, camera = sphere(), Cameras.orbit(40, 20, distance, fov=100)
    points = mesh.sample_surface(20000)[0]
    seen = visible_points(mesh, points, camera)[0]
    towards = points @ camera.position[0] / distance  # cosine of the angle from the camera's direction
    assert seen[towards > 1 / distance + 0.05].all()
    assert not seen[towards < 1 / distance - 0.05].any()
    assert seen.double().mean().item() == pytest.approx((1 - 1 / distance) / 2, abs=0.01)


def test_a_wall_hides_the_wall_behind_but_not_around_it():
    near, far = wall(1.0, half=0.5), wall(-1.0)
    mesh = join(near, far)
    camera = Cameras.orbit(0, 0, 3.0, fov=90)
    points = far.sample_surface(5000)[0]
    seen = visible_points(mesh, points, camera)[0]
    shadow = points[:, :2].abs().amax(-1) < 1.0  # 0.5 at distance 2 covers 1.0 at distance 4: all of it
    assert shadow.all()
    assert not seen.any()
    lifted = camera.camera_to_world.clone()
    lifted[0, 0, 3] = 3.0  # moved aside, still looking along -z: the near wall's shadow moves to x = -2 .. -4
    moved = Cameras(lifted, camera.intrinsics, camera.height, camera.width)
    assert visible_points(mesh, points, moved)[0].all()


def test_a_partial_shadow_ends_where_the_rays_say():
    near, far = wall(1.0, half=0.25), wall(-1.0)
    points = far.sample_surface(5000)[0]
    seen = visible_points(join(near, far), points, Cameras.orbit(0, 0, 3.0, fov=90))[0]
    reach = points[:, :2].abs().amax(-1)
    assert not seen[reach < 0.4999].any()
    assert seen[reach > 0.5001].all()


def test_single_sheets_are_seen_from_both_sides():
    sheet = wall(0.0)
    points = sheet.sample_surface(500)[0]
    assert visible_points(sheet, points, Cameras.orbit([0.0, 180.0, 60.0], fov=90)).all()


def test_points_outside_the_image_are_not_seen():
    sheet = wall(0.0)
    points = sheet.sample_surface(2000)[0]
    camera = Cameras.orbit(0, 0, 3.0, fov=60, height=100, width=100)
    seen = visible_points(sheet, points, camera.cropped(0, 0, 50, 100))[0]  # the left half of the image
    assert torch.equal(seen, points[:, 0] <= 0)


def test_one_row_per_camera():
    mesh = sphere(3)
    points = mesh.sample_surface(300)[0]
    both = visible_points(mesh, points, Cameras.orbit([0.0, 180.0]))
    assert both.shape == (2, 300)
    assert not both.all(0).any()


def test_refuses_a_camera_inside_the_mesh():
    with pytest.raises(BadInput, match="behind the camera"):
        visible_points(sphere(2), torch.zeros(1, 3), Cameras.orbit(0, 0, 0.5))
