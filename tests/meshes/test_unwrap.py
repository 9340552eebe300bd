"""UV charts."""

import pytest
import torch
import trimesh

from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.unwrap import unwrap


@pytest.fixture(scope="module")
def ball():
    solid = trimesh.creation.icosphere(3)
    colors = torch.rand(len(solid.vertices), 3)
    return Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long(), vertex_colors=colors)


@pytest.fixture(scope="module")
def unwrapped(ball):
    return unwrap(ball, 256)


def test_the_surface_stays_the_same(ball, unwrapped):
    cut, source = unwrapped.mesh, unwrapped.source
    torch.testing.assert_close(cut.vertices, ball.vertices[source])
    assert torch.equal(cut.vertex_colors, ball.vertex_colors[source])
    assert torch.equal(source[cut.faces], ball.faces)  # same faces, same order, same winding
    torch.testing.assert_close(cut.vertex_normals, ball.with_normals().vertex_normals[source])  # no seam in the light


def test_charts_fill_the_square_without_overlap(unwrapped):
    cut = unwrapped.mesh
    assert cut.uvs.min() >= 0 and cut.uvs.max() <= 1
    corners = cut.uvs[cut.faces].double()
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = ((ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]).abs() / 2).sum()
    assert 0.3 < float(area) < 1
    # points in one triangle lie in no other
    inside = corners.mean(1)[:: max(len(corners) // 500, 1)]
    side = corners.roll(-1, 1) - corners
    offset = inside[:, None, None] - corners
    turn = side[..., 0] * offset[..., 1] - side[..., 1] * offset[..., 0]
    assert int(((turn > 0).all(-1) | (turn < 0).all(-1)).sum()) == len(inside)


def test_texels_are_shared_out_by_area(unwrapped):
    cut = unwrapped.mesh
    corners = cut.uvs[cut.faces]
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    density = (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]).abs() / 2 / cut.face_areas
    assert float(density.std() / density.mean()) < 0.25


def test_nothing_to_unwrap():
    with pytest.raises(BadInput, match="no faces"):
        unwrap(Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long)))


@pytest.fixture(scope="module")
def in_parts():
    """A wavy ball of 5120 triangles, which takes three parts."""
    solid = trimesh.creation.icosphere(4)
    points = torch.tensor(solid.vertices).float()
    points = points * (1 + 0.2 * (5 * points[:, :1]).sin() * (4 * points[:, 1:2]).cos())
    mesh = Mesh(points, torch.tensor(solid.faces).long())
    return mesh, unwrap(mesh, 512)


def test_parts_are_put_together_again(in_parts):
    """The promises of the tests above hold for a mesh that is unwrapped part by part."""
    mesh, made = in_parts
    assert torch.equal(made.source[made.mesh.faces], mesh.faces)
    test_charts_fill_the_square_without_overlap(made)
    test_texels_are_shared_out_by_area(made)


def test_work_stops_between_parts_and_repeats_itself(in_parts):
    mesh, made = in_parts
    calls = []

    def stop():
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unwrap(mesh, 512, stop)
    again = unwrap(mesh, 512, lambda: calls.append(None))
    assert len(calls) >= 2 + 3 and torch.equal(again.mesh.uvs, made.mesh.uvs)


def test_triangles_without_area_among_many(in_parts):
    mesh, _ = in_parts
    flat = torch.tensor([[0, 0, 1], [2, 2, 2]])
    made = unwrap(Mesh(mesh.vertices, torch.cat([flat, mesh.faces])), 256)
    assert len(made.mesh.faces) == len(mesh.faces) + 2 and torch.isfinite(made.mesh.uvs).all()
