"""The rasteriser against rays cut with spheres and planes in closed form."""

from dataclasses import replace

import pytest
import torch
import trimesh

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.render import coverage
from recon_lib.render.rasterize import rasterize, rasterize_uv


def sphere(subdivisions=5, radius=1.0):
    ball = trimesh.creation.icosphere(subdivisions, radius)
    return Mesh(torch.tensor(ball.vertices).float(), torch.tensor(ball.faces).long())


def plane_quad(point, u, v):
    corners = torch.stack([point - u - v, point + u - v, point + u + v, point - u + v])
    return Mesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))


def test_sphere_depth_normals_and_silhouette():
    cameras = Cameras.orbit([0.0, 70.0], [20.0, -35.0], 3.0, 45.0, 96, 128)
    mesh = sphere()
    seen = rasterize(mesh, cameras)
    origin, direction = cameras.rays()
    middle = -(origin * direction).sum(-1)
    square = 1 - ((origin * origin).sum(-1) - middle**2)  # of half the chord
    distance = middle - square.clamp_min(0).sqrt()
    points = origin + distance[..., None] * direction
    depth = torch.stack([cameras[i].to_camera(points[i].reshape(-1, 3))[0, :, 2].view(96, 128) for i in range(2)])
    clear = square.abs() > 0.01  # within a facet's height of the silhouette either answer is right
    assert torch.equal(seen.mask[clear], (square > 0)[clear])
    well_inside = square > 0.05
    torch.testing.assert_close(seen.depth[well_inside], depth[well_inside], atol=1.5e-3, rtol=0)
    smooth = seen.interpolate(mesh.with_normals().vertex_normals[mesh.faces])
    assert float((smooth - points)[well_inside].norm(dim=-1).max()) < 0.01
    assert (seen.depth[~seen.mask] == 0).all() and (seen.barycentric[~seen.mask] == 0).all()


def test_barycentrics_are_perspective_correct():
    point, u, v = torch.tensor([0.1, -0.2, 0.0]), torch.tensor([2.0, 0.3, 1.6]), torch.tensor([-0.2, 2.0, 0.7])
    mesh, cameras = plane_quad(point, u, v), Cameras.orbit(10.0, 5.0, 4.0, 50.0, 60, 60)
    seen = rasterize(mesh, cameras)
    origin, direction = cameras.rays()
    normal = torch.linalg.cross(u, v)
    distance = ((point - origin) @ normal) / (direction @ normal)
    expected = origin + distance[..., None] * direction
    assert seen.mask.float().mean() > 0.4
    torch.testing.assert_close(seen.interpolate(mesh.triangles)[seen.mask], expected[seen.mask], atol=2e-5, rtol=0)
    torch.testing.assert_close(seen.barycentric[seen.mask].sum(-1), torch.ones(int(seen.mask.sum())))
    torch.testing.assert_close(
        cameras.unproject(seen.depth[:, None])[seen.mask], expected[seen.mask], atol=2e-5, rtol=0
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_face_hides_the_farther(order):
    z = torch.tensor([0.5, -0.5])
    corners = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [0.0, 1.5]])
    vertices = torch.cat([torch.cat([corners, z[i].expand(3, 1)], 1) for i in order])
    mesh = Mesh(vertices, torch.tensor([[0, 1, 2], [3, 4, 5]]))
    front = rasterize(mesh, Cameras.orbit(0.0, 0.0, 3.0, 40.0, 32, 32))
    back = rasterize(mesh, Cameras.orbit(180.0, 0.0, 3.0, 40.0, 32, 32))
    assert set(front.face.unique().tolist()) <= {-1, order.index(0), order.index(1)}
    assert front.face[0, 16, 16] == order.index(0) and back.face[0, 16, 16] == order.index(1)
    torch.testing.assert_close(front.depth[0, 16, 16], torch.tensor(2.5))


def test_crossing_faces_swap_where_they_cross():
    flat = torch.tensor([[-1.0, -1.0, 0.0], [3.0, -1.0, 0.0], [-1.0, 3.0, 0.0]])
    tilted = flat + torch.stack([torch.zeros(3), torch.zeros(3), flat[:, 0]], 1)  # z = x: in front for x > 0
    mesh = Mesh(torch.cat([flat, tilted]), torch.tensor([[0, 1, 2], [3, 4, 5]]))
    cameras = Cameras.orbit(0.0, 0.0, 4.0, 25.0, 40, 40)
    seen = rasterize(mesh, cameras)
    x = cameras.pixel_centres()[..., 0] - 20
    both = seen.mask[0] & (x.abs() > 0.6)
    assert torch.equal(seen.face[0][both] == 1, (x > 0)[both])


def test_ground_below_and_behind_the_camera():
    ground = plane_quad(torch.tensor([0.0, -1.0, 0.0]), torch.tensor([500.0, 0, 0]), torch.tensor([0, 0, 500.0]))
    cameras = Cameras.look_at(torch.tensor([[0.0, 0.0, 0.0]]), torch.tensor([0.0, -0.2, -1.0]), 70.0, 64, 64)
    seen = rasterize(ground, cameras)
    _, direction = cameras.rays()
    down = direction[..., 1] < -0.01
    assert seen.mask[down].all() and not seen.mask[direction[..., 1] > 0].any()
    points = cameras.unproject(seen.depth[:, None])
    near = down & (seen.depth < 20)
    torch.testing.assert_close(points[near][:, 1], torch.full((int(near.sum()),), -1.0), atol=2e-3, rtol=0)
    torch.testing.assert_close(seen.interpolate(ground.triangles)[near], points[near], atol=5e-3, rtol=0)


def test_views_are_independent_and_chunks_do_not_matter(monkeypatch):
    mesh, cameras = sphere(3), Cameras.orbit([0.0, 90.0], 10.0, 3.0, 40.0, 40, 40)
    both = rasterize(mesh, cameras)
    assert torch.equal(both.face[1:], rasterize(mesh, cameras[1]).face)
    monkeypatch.setattr(coverage.covered_pixels, "__defaults__", (64,))
    small = rasterize(mesh, cameras)
    assert torch.equal(both.face, small.face) and torch.equal(both.depth, small.depth)


def test_nothing_to_see():
    empty = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long))
    behind = replace(sphere(1), vertices=sphere(1).vertices + torch.tensor([0.0, 0.0, 9.0]))
    for mesh in (empty, behind):
        seen = rasterize(mesh, Cameras.orbit(0.0, 0.0, 3.0, 40.0, 8, 8))
        assert not seen.mask.any() and seen.interpolate(mesh.triangles).shape == (1, 8, 8, 3)


def test_texture_space():
    uvs = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    seen = rasterize_uv(uvs, faces, 24, 40)
    assert seen.mask.all()
    x, y = torch.meshgrid((torch.arange(40) + 0.5) / 40, (torch.arange(24) + 0.5) / 24, indexing="xy")
    torch.testing.assert_close(seen.interpolate(uvs[faces])[0], torch.stack([x, y], -1), atol=1e-6, rtol=0)
    assert seen.face[0, 0, 39] == 0 and seen.face[0, 23, 0] == 1


def test_bad_input():
    faces = torch.tensor([[0, 1, 2]])
    with pytest.raises(BadInput, match="uvs"):
        rasterize_uv(torch.zeros(3, 3), faces, 8, 8)
    with pytest.raises(BadInput, match="0x8"):
        rasterize_uv(torch.zeros(3, 2), faces, 8, 0)


def test_input_is_left_alone():
    mesh = sphere(2)
    before = mesh.vertices.clone()
    rasterize(mesh, Cameras.orbit(0.0, 0.0, 0.5, 90.0, 16, 16))  # clipped: the path that moves corners
    assert torch.equal(mesh.vertices, before)


def test_the_stop_button_is_asked_between_pieces_of_one_picture(monkeypatch):
    from recon_lib.render import coverage

    monkeypatch.setattr(coverage.covered_pixels, "__defaults__", (64,))
    checks: list = []
    mesh = Mesh(torch.tensor([[-1.0, -1, 0], [1, -1, 0], [0, 1, 0]]).repeat(8, 1), torch.arange(24).view(8, 3))
    rasterize(mesh, Cameras.orbit(0.0, 0.0, 3.0, 40.0, 32, 32), check=lambda: checks.append(1))
    assert len(checks) > 4
