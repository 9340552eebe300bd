"""Both forms of ComfyUI's MESH, batches, and what other packs send on the same socket."""

from types import SimpleNamespace

import pytest
import torch
import trimesh

from recon_lib.color_space import srgb_to_linear
from recon_lib.errors import BadInput
from recon_lib.meshes.files.comfy_mesh import mesh_from_comfy, mesh_to_comfy, meshes_from_comfy
from recon_lib.meshes.mesh import Mesh


class OldMesh:
    """As ComfyUI 0.3 has it."""

    def __init__(self, vertices, faces):
        self.vertices = vertices
        self.faces = faces


class NewMesh:
    """As ComfyUI of 2026 has it."""

    def __init__(
        self, vertices, faces, uvs=None, vertex_colors=None, texture=None, normals=None,
        vertex_counts=None, face_counts=None, unlit=False,
    ):  # fmt: skip
        assert (vertex_counts is None) == (face_counts is None)
        self.vertices, self.faces, self.uvs, self.vertex_colors = vertices, faces, uvs, vertex_colors
        self.texture, self.normals, self.unlit = texture, normals, unlit
        self.vertex_counts, self.face_counts = vertex_counts, face_counts


def tetrahedron(scale: float = 1.0, **attributes) -> Mesh:
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) * scale
    return Mesh(vertices, torch.tensor([[0, 2, 1], [0, 3, 2], [0, 1, 3], [1, 2, 3]]), **attributes)


def full() -> Mesh:
    return tetrahedron(
        vertex_normals=torch.nn.functional.normalize(torch.rand(4, 3), dim=1),
        vertex_colors=torch.rand(4, 3),
        uvs=torch.rand(4, 2),
        texture=torch.rand(3, 5, 7),
        provenance=torch.tensor([0, 1, 2, 3], dtype=torch.uint8),
        texture_provenance=torch.randint(0, 4, (5, 7), dtype=torch.uint8),
    )


def assert_same(a: Mesh, b: Mesh) -> None:
    for name, value in vars(a).items():
        other = getattr(b, name)
        assert (value is None) == (other is None), name
        if name == "origin":
            assert value == other
        elif value is not None:
            assert value.dtype == other.dtype, name
            assert torch.allclose(value.double(), other.double(), atol=1e-6), name


@pytest.mark.parametrize("factory", [None, OldMesh, NewMesh])
@pytest.mark.parametrize("mesh", [tetrahedron(), full()], ids=["bare", "full"])
def test_there_and_back_through_either_form(factory, mesh):
    sent = mesh_to_comfy(mesh, factory)
    assert factory is None or type(sent) is factory
    assert sent.vertices.shape == (1, 4, 3)
    assert sent.faces.shape == (1, 4, 3)
    assert_same(mesh_from_comfy(sent), mesh)


def test_the_fields_are_as_comfyui_means_them():
    mesh = full()
    sent = mesh_to_comfy(mesh, NewMesh)
    assert sent.texture.shape == (1, 5, 7, 3)
    assert torch.equal(sent.texture[0], mesh.texture.permute(1, 2, 0))
    assert torch.equal(sent.uvs[0], mesh.uvs)
    assert torch.allclose(sent.vertex_colors[0], srgb_to_linear(mesh.vertex_colors))
    assert sent.vertex_counts is None
    assert sent.unlit is False


def test_the_old_form_of_another_node_is_read():
    value = OldMesh(torch.rand(1, 9, 3).half(), torch.randint(0, 9, (1, 5, 3), dtype=torch.int32))
    mesh = mesh_from_comfy(value)
    assert mesh.vertices.dtype == torch.float32
    assert mesh.faces.dtype == torch.int64
    assert mesh.uvs is mesh.texture is mesh.vertex_colors is None


@pytest.mark.parametrize("factory", [None, OldMesh, NewMesh])
def test_origins_travel_in_double_precision(factory):
    far = tetrahedron(origin=(412345.3, 5456789.2, 0.1))
    assert not hasattr(mesh_to_comfy(tetrahedron(), factory), "recon3d_origin")
    assert [m.origin for m in meshes_from_comfy(mesh_to_comfy([tetrahedron(), far], factory))] == [
        (0, 0, 0),
        far.origin,
    ]


def test_alpha_of_colours_and_textures_is_left_out():
    value = NewMesh(
        torch.rand(1, 3, 3),
        torch.tensor([[[0, 1, 2]]]),
        vertex_colors=torch.rand(1, 3, 4),
        texture=torch.rand(1, 2, 2, 4),
    )
    mesh = mesh_from_comfy(value)
    assert mesh.vertex_colors.shape == (3, 3)
    assert mesh.texture.shape == (3, 2, 2)


@pytest.mark.parametrize("factory", [None, OldMesh, NewMesh])
def test_meshes_of_different_size_are_padded_and_cut_again(factory):
    small, large = tetrahedron(2.0), Mesh(torch.rand(7, 3), torch.tensor([[0, 1, 6], [2, 3, 4]]))
    batch = mesh_to_comfy([small, large], factory)
    assert batch.vertices.shape == (2, 7, 3)
    assert batch.faces.shape == (2, 4, 3)
    assert batch.vertex_counts.tolist() == [4, 7]
    assert batch.face_counts.tolist() == [4, 2]
    for got, wanted in zip(meshes_from_comfy(batch), (small, large), strict=True):
        assert_same(got, wanted)


def test_a_layer_stays_only_if_every_mesh_has_it():
    batch = mesh_to_comfy([full(), tetrahedron()], NewMesh)
    assert batch.texture is batch.uvs is batch.vertex_colors is None


def test_textures_of_different_size_are_brought_to_one():
    meshes = [full(), Mesh(**{**vars(full()), "texture": torch.full((3, 2, 2), 0.25), "texture_provenance": None})]
    batch = mesh_to_comfy(meshes, NewMesh)
    assert batch.texture.shape == (2, 5, 7, 3)
    assert torch.allclose(batch.texture[1], torch.tensor(0.25))


def test_lists_of_tensors_are_read_too():
    value = OldMesh([torch.rand(3, 3)], [torch.tensor([[0, 1, 2]])])
    assert mesh_from_comfy(value).vertices.shape == (3, 3)


def test_inputs_are_copied():
    value = OldMesh(torch.rand(1, 3, 3), torch.tensor([[[0, 1, 2]]]))
    mesh = mesh_from_comfy(value)
    mesh.vertices.zero_()
    assert value.vertices.abs().sum() > 0


def test_a_batch_is_refused_where_one_is_needed():
    with pytest.raises(BadInput, match="batch of 2"):
        mesh_from_comfy(mesh_to_comfy([tetrahedron(), tetrahedron()]))


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ([trimesh.creation.box()], "list of trimesh objects, as Stable Fast 3D and Flowty"),
        (trimesh.creation.box(), "a trimesh object"),
        (SimpleNamespace(v=torch.rand(3, 3), f=torch.zeros(1, 3), write=lambda path: None), "ComfyUI-3D-Pack"),
        ("output/mesh.glb", "read it with Load Mesh"),
        (None, "NoneType"),
        ([], "is a list without"),
        (OldMesh(torch.rand(9, 3), torch.zeros(1, 3)), "without vertices"),
        (OldMesh(torch.rand(2, 9, 3), torch.zeros(1, 1, 3)), "2 vertex lists and 1 face lists"),
        (OldMesh(torch.rand(0, 9, 3), torch.zeros(0, 1, 3)), "0 vertex lists"),
        (OldMesh(torch.rand(1, 3, 3), torch.tensor([[[0, 1, 7]]])), "points outside"),
        (OldMesh(torch.full((1, 3, 3), torch.nan), torch.tensor([[[0, 1, 2]]])), "NaN"),
    ],
)
def test_foreign_and_broken_payloads_get_one_sentence(payload, sentence):
    with pytest.raises(BadInput, match=sentence) as caught:
        mesh_from_comfy(payload)
    assert str(caught.value).count(". ") == 0


def test_nothing_to_send_is_told():
    with pytest.raises(BadInput, match="no mesh to hand on"):
        mesh_to_comfy([])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"uvs": torch.rand(1, 3, 2), "texture": torch.rand(0, 2, 2, 3)}, "do not fit together"),
        ({"uvs": [None]}, "do not fit together"),
        ({"vertex_colors": 7}, "do not fit together"),
        ({"vertex_counts": torch.tensor([-1]), "face_counts": torch.tensor([1])}, "vertex_counts says -1 of 3"),
        ({"vertex_counts": torch.tensor([3]), "face_counts": torch.tensor([9])}, "face_counts says 9 of 1"),
        ({"texture": (torch.rand(1, 2, 2, 3) * 255).byte()}, "texture holds torch.int64"),
        ({"vertex_colors": torch.full((1, 3, 3), torch.nan)}, "vertex_colors holds NaN"),
        ({"vertex_colors": torch.zeros(1, 3, 3, dtype=torch.complex64)}, "complex"),
        ({"normals": torch.rand(1, 2, 3)}, "vertex_normals has shape"),
        ({"recon3d_origin": torch.tensor([[0.0, 0.0]])}, "origin is"),
    ],
)
def test_fields_that_do_not_fit_get_one_sentence(fields, sentence):
    value = SimpleNamespace(vertices=torch.rand(1, 3, 3), faces=torch.tensor([[[0, 1, 2]]]), **fields)
    with pytest.raises(BadInput, match=sentence) as caught:
        mesh_from_comfy(value)
    assert "\n" not in str(caught.value)


def test_provenance_of_texels_goes_when_another_node_changed_the_texture():
    sent = mesh_to_comfy(full())
    sent.texture = torch.nn.functional.pad(sent.texture, (0, 0, 0, 2))
    assert mesh_from_comfy(sent).texture_provenance is None
