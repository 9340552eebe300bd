"""Splitting long edges."""

import torch
import trimesh

from recon_lib.meshes.mesh import Mesh
from recon_lib.meshes.subdivide import PATTERNS, split_long_edges


def box(**layers):
    solid = trimesh.creation.box((1.0, 2.0, 0.5))
    return Mesh(torch.tensor(solid.vertices).float(), torch.tensor(solid.faces).long(), **layers)


def longest(mesh):
    return float((mesh.triangles.roll(-1, 1) - mesh.triangles).norm(dim=-1).max())


def test_edges_become_short_and_the_solid_stays():
    fine = split_long_edges(box(), 0.2)
    assert longest(fine) <= 0.2
    torch.testing.assert_close(fine.face_areas.sum(), box().face_areas.sum())
    solid = trimesh.Trimesh(fine.vertices, fine.faces, process=False)
    assert solid.is_watertight and abs(solid.volume - 1.0) < 1e-5 and solid.euler_number == 2
    assert torch.equal(fine.vertices[:8], box().vertices)


def test_each_pattern_keeps_area_and_winding():
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.2, 0.9]])
    six = torch.cat([corners, (corners + corners.roll(-1, 0)) / 2])
    for pattern, triangles in PATTERNS.items():
        assert len(triangles) == 1 + sum(pattern)
        a, b, c = six[torch.tensor(triangles)].unbind(1)
        areas = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
        assert (areas > 0).all()
        torch.testing.assert_close(areas.sum(), torch.tensor(0.9))
        assert {i for t in triangles for i in t} == {0, 1, 2} | {3 + i for i, halved in enumerate(pattern) if halved}


def test_values_of_new_vertices():
    colors = box().vertices.abs()  # equal at all corners
    codes = torch.tensor([1, 1, 1, 1, 3, 3, 3, 3], dtype=torch.uint8)
    fine = split_long_edges(box(vertex_colors=colors, uvs=box().vertices[:, :2], provenance=codes).with_normals(), 0.6)
    torch.testing.assert_close(fine.uvs, fine.vertices[:, :2])
    torch.testing.assert_close(fine.vertex_colors, colors[:1].expand(len(fine.vertices), 3))
    torch.testing.assert_close(fine.vertex_normals.norm(dim=-1), torch.ones(len(fine.vertices)))
    on_one_side = fine.vertices[:, 0].abs() == 0.5
    assert set(fine.provenance.tolist()) == {1, 3} and fine.provenance.dtype == torch.uint8
    assert set(fine.provenance[on_one_side & (fine.vertices[:, 0] < 0)].tolist()) == {1}


def test_an_origin_stays():
    assert split_long_edges(box(origin=(1e6, 0.0, -3.5)), 0.4).origin == (1e6, 0.0, -3.5)


def test_nothing_to_do_and_a_limit():
    assert split_long_edges(box(), 5.0) is not None and len(split_long_edges(box(), 5.0).faces) == 12
    assert len(split_long_edges(box(), 1e-3, max_faces=500).faces) <= 500
