import math

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh

TETRAHEDRON = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
OUTWARD = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def sphere(subdivisions=4):
    from trimesh.creation import icosphere

    shape = icosphere(subdivisions)
    return Mesh(torch.tensor(shape.vertices).float(), torch.tensor(shape.faces))


def plane(width=2.0, height=3.0):
    corners = torch.tensor([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]])
    return Mesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]))


def test_areas_and_normals_of_a_tetrahedron():
    mesh = Mesh(TETRAHEDRON, OUTWARD)
    assert torch.allclose(mesh.face_areas, torch.tensor([0.5, 0.5, 0.5, math.sqrt(3) / 2]))
    slanted = [1 / math.sqrt(3)] * 3
    assert torch.allclose(mesh.face_normals, torch.tensor([[0.0, 0, -1], [0, -1, 0], [-1, 0, 0], slanted]))
    assert torch.equal(mesh.triangles[3], TETRAHEDRON[[1, 2, 3]])


def test_vertex_normals_of_a_sphere_point_outward():
    mesh = sphere().with_normals()
    assert (mesh.vertex_normals * mesh.vertices).sum(-1).min() > math.cos(math.radians(0.5))
    assert float(mesh.face_areas.sum()) == pytest.approx(4 * math.pi, rel=2e-3)


def test_normals_that_are_there_are_kept():
    normals = torch.tensor([[0.0, 0.0, -1.0]]).repeat(4, 1)
    mesh = Mesh(TETRAHEDRON, OUTWARD, vertex_normals=normals)
    assert mesh.with_normals() is mesh


def test_vertex_normals_weigh_by_area():
    # at vertex 0 meet the three unit right triangles only; their normals weigh alike
    mesh = Mesh(TETRAHEDRON, OUTWARD).with_normals()
    assert torch.allclose(mesh.vertex_normals[0], -torch.ones(3) / math.sqrt(3))


def test_mapping_moves_vertices_and_drops_normals():
    mesh = plane().with_normals()
    turned = mesh.mapped(lambda x: x[:, [1, 0, 2]])
    assert turned.vertex_normals is None
    assert mesh.vertex_normals is not None
    assert turned.vertices[1].tolist() == [0.0, 2.0, 0.0]
    assert mesh.vertices[1].tolist() == [2.0, 0.0, 0.0]


def test_samples_lie_on_their_faces_with_their_normals():
    mesh = Mesh(TETRAHEDRON, OUTWARD)
    points, normals, face = mesh.sample_surface(1000)
    offset = ((points - mesh.triangles[face, 0]) * normals).sum(-1)
    assert offset.abs().max() < 1e-6
    assert torch.equal(normals, mesh.face_normals[face])
    assert (points >= -1e-6).all()
    assert (points.sum(-1) <= 1 + 1e-5).all()


def test_samples_are_uniform_by_area():
    # one tiny triangle among large ones: counts follow areas, positions fill each face evenly
    mesh = plane()
    points, _, face = mesh.sample_surface(40000)
    assert (face == 0).double().mean().item() == pytest.approx(0.5, abs=0.01)
    assert torch.allclose(points.mean(0), torch.tensor([1.0, 1.5, 0.0]), atol=0.02)
    counts, _ = torch.histogramdd(points[:, :2], bins=[4, 4], range=[0.0, 2.0, 0.0, 3.0])
    spread = (counts - 2500).square() / 2500
    assert float(spread.sum()) < 37.7  # chi-square, 15 degrees of freedom, 0.1 %


def test_faces_without_area_get_no_samples():
    flat = torch.tensor([[0, 0, 0]])
    mesh = Mesh(TETRAHEDRON, torch.cat([flat, OUTWARD, flat]))
    face = mesh.sample_surface(2000)[2]
    assert set(face.tolist()) == {1, 2, 3, 4}
    assert not mesh.face_normals[0].any()


def test_sampling_depends_on_the_seed_alone():
    mesh = plane()
    first = mesh.sample_surface(50, seed=3)[0]
    torch.rand(7)
    assert torch.equal(first, mesh.sample_surface(50, seed=3)[0])
    assert not torch.equal(first, mesh.sample_surface(50, seed=4)[0])


@pytest.mark.parametrize("faces", [torch.zeros(0, 3, dtype=torch.int64), torch.zeros(5, 3, dtype=torch.int64)])
def test_refuses_to_sample_no_surface(faces):
    with pytest.raises(BadInput, match="no surface to sample"):
        Mesh(TETRAHEDRON, faces).sample_surface(10)


@pytest.mark.parametrize("index", [4, -1])
def test_refuses_faces_beyond_the_vertices(index):
    with pytest.raises(BadInput, match="A face points outside the mesh's 4 vertices"):
        Mesh(TETRAHEDRON, torch.tensor([[0, 1, index]]))


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"vertices": torch.zeros(4, 2)}, "vertices has shape"),
        ({"vertices": TETRAHEDRON * float("nan")}, "vertices holds NaN"),
        ({"faces": torch.zeros(2, 4, dtype=torch.int64)}, "faces has shape"),
        ({"vertex_normals": torch.zeros(3, 3)}, "vertex_normals has shape"),
        ({"vertex_colors": torch.zeros(4, 4)}, "vertex_colors has shape"),
        ({"uvs": torch.zeros(4, 3)}, "uvs has shape"),
        ({"texture": torch.zeros(8, 8, 3)}, "texture has shape"),
        ({"provenance": torch.zeros(4, 1)}, "provenance has shape"),
    ],
)
def test_refuses_parts_that_do_not_fit(parts, sentence):
    with pytest.raises(BadInput, match=sentence):
        Mesh(**({"vertices": TETRAHEDRON, "faces": OUTWARD} | parts))


def test_bounds_are_the_box_around_the_vertices():
    mesh = Mesh(torch.tensor([[0.0, -1, 2], [3, 0, 0], [1, 1, 1]]), torch.tensor([[0, 1, 2]]))
    assert torch.equal(mesh.bounds, torch.tensor([[0.0, -1, 0], [3, 1, 2]]))
    with pytest.raises(BadInput, match="no vertices"):
        _ = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.long)).bounds


@pytest.mark.parametrize("name", ["vertices", "vertex_colors", "vertex_normals", "uvs", "texture"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_layer_may_hold_nan(name, value):
    shapes = {"uvs": (4, 2), "texture": (3, 2, 2)}
    layers = {"vertices": TETRAHEDRON, name: torch.full(shapes.get(name, (4, 3)), value)}
    with pytest.raises(BadInput, match=f"{name} holds NaN or infinite"):
        Mesh(faces=OUTWARD, **layers)


def test_an_origin_says_where_the_vertices_are_counted_from():
    mesh = Mesh(TETRAHEDRON, OUTWARD, origin=(5e6, 1.0, 0.0))
    assert mesh.placed_vertices[1].tolist() == [5e6 + 1, 1, 0]
    moved = mesh.moved_to((5e6 - 2, 0.0, 0.0))
    assert moved.vertices[1].tolist() == [3, 1, 0]
    assert torch.equal(moved.placed_vertices, mesh.placed_vertices)
    assert mesh.moved_to(mesh.origin) is mesh
    for origin in ((0.0, 0.0), (0.0, 0.0, math.nan)):
        with pytest.raises(BadInput, match="origin is"):
            Mesh(TETRAHEDRON, OUTWARD, origin=origin)


def test_a_texture_repeats_if_the_uvs_leave_it():
    inside = torch.tensor([[0.0, 0], [1, 1], [0.5, 1.0005], [-0.0005, 0]])
    assert not Mesh(TETRAHEDRON, OUTWARD, uvs=inside).repeats
    assert Mesh(TETRAHEDRON, OUTWARD, uvs=inside + 0.01).repeats
    assert not Mesh(TETRAHEDRON, OUTWARD).repeats
