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
    inside = corners.mean(1)
    side = corners.roll(-1, 1) - corners
    offset = inside[:, None, None] - corners
    turn = side[..., 0] * offset[..., 1] - side[..., 1] * offset[..., 0]
    assert int(((turn > 0).all(-1) | (turn < 0).all(-1)).sum()) == len(corners)


def test_texels_are_shared_out_by_area(unwrapped):
    cut = unwrapped.mesh
    corners = cut.uvs[cut.faces]
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    density = (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]).abs() / 2 / cut.face_areas
    assert float(density.std() / density.mean()) < 0.25


def test_nothing_to_unwrap():
    with pytest.raises(BadInput, match="no faces"):
        unwrap(Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long)))
