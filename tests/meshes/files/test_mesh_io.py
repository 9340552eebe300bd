"""Files that trimesh wrote, into our conventions; what each format can hold is tried beside its reader."""

import numpy as np
import pytest
import torch
import trimesh

from recon_lib.color_space import srgb_to_linear
from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.meshes.mesh import Mesh
from recon_lib.render.mesh import sample_texture
from tests.helpers.trimesh_shapes import to_trimesh

COLORS = torch.tensor([[1.0, 0, 0], [0, 0.6, 0], [0, 0, 0.4], [0.2, 0.8, 1]])


def tetrahedron(**attributes) -> Mesh:
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1.5, 0], [0, 0, 2]])
    return Mesh(vertices, torch.tensor([[0, 2, 1], [0, 3, 2], [0, 1, 3], [1, 2, 3]]), **attributes)


def textured() -> Mesh:
    texture = torch.rand(3, 4, 8).mul(255).round() / 255
    return tetrahedron(uvs=torch.tensor([[0.1, 0.2], [0.9, 0.3], [0.4, 0.8], [0.6, 0.6]]), texture=texture)


def same_triangles(a: Mesh, b: Mesh, atol: float = 1e-6) -> bool:
    """The same corner positions in the same winding, in any order of triangles and starting corners."""

    def rows(mesh):
        corners = mesh.triangles
        start = corners.matmul(torch.tensor([1.0, 3.7, 9.1])).argmin(1)
        order = (start[:, None] + torch.arange(3)) % 3
        turned = corners.gather(1, order[..., None].expand(-1, -1, 3)).reshape(-1, 9)
        return turned[np.lexsort(turned.round(decimals=4).numpy().T)]

    return a.triangles.shape == b.triangles.shape and torch.allclose(rows(a), rows(b), atol=atol)


def test_uvs_are_turned_over_for_trimesh():
    assert to_trimesh(textured()).visual.uv[0] == pytest.approx([0.1, 0.8])


@pytest.mark.parametrize("ending", ["glb", "obj", "ply", "stl", "off"])
def test_files_that_trimesh_wrote_are_read(ending, tmp_path):
    path = tmp_path / f"shape.{ending}"
    to_trimesh(tetrahedron()).export(path)
    mesh = load_mesh(path)
    assert same_triangles(mesh, tetrahedron())
    assert len(mesh.vertices) == 4
    assert mesh.texture is None


@pytest.mark.parametrize("ending", ["glb", "obj"])
def test_textures_are_read_from_files(ending, tmp_path):
    original = textured()
    path = tmp_path / f"shape.{ending}"
    to_trimesh(original).export(path)
    mesh = load_mesh(path)
    order = [int((mesh.vertices - v).norm(dim=1).argmin()) for v in original.vertices]
    assert torch.allclose(mesh.uvs[order], original.uvs, atol=1e-5)
    assert torch.allclose(mesh.texture, original.texture, atol=1 / 255)


def test_vertex_colours_of_a_glb_are_linear_and_those_of_a_ply_are_not(tmp_path):
    shape = to_trimesh(tetrahedron(vertex_colors=srgb_to_linear(COLORS)))
    shape.export(tmp_path / "a.glb")
    assert torch.allclose(load_mesh(tmp_path / "a.glb").vertex_colors, COLORS, atol=0.01)
    to_trimesh(tetrahedron(vertex_colors=COLORS)).export(tmp_path / "a.ply")
    assert torch.allclose(load_mesh(tmp_path / "a.ply").vertex_colors, COLORS, atol=0.003)


def test_all_parts_of_a_scene_are_read_where_they_stand(tmp_path):
    scene = trimesh.Scene()
    for offset in (-2.0, 3.0):
        move = np.eye(4)
        move[0, 3] = offset
        scene.add_geometry(trimesh.creation.box(), transform=move)
    scene.export(tmp_path / "two.glb")
    mesh = load_mesh(tmp_path / "two.glb")
    assert len(mesh.faces) == 24
    assert torch.allclose(mesh.bounds, torch.tensor([[-2.5, -0.5, -0.5], [3.5, 0.5, 0.5]]))


def test_a_textured_and_a_plain_part_share_a_texture(tmp_path):
    original = textured()
    scene = trimesh.Scene([to_trimesh(original), trimesh.creation.box()])
    scene.export(tmp_path / "two.glb")
    mesh = load_mesh(tmp_path / "two.glb")
    assert len(mesh.faces) == 16
    colors = sample_texture(mesh.texture, mesh.uvs)
    order = [int((mesh.vertices - v).norm(dim=1).argmin()) for v in original.vertices]
    wanted = sample_texture(original.texture, original.uvs)
    assert torch.allclose(colors[order], wanted, atol=1 / 255)
    assert colors[4:].std(0).max() < 1e-6  # the box has one colour


def test_a_material_without_texture_gives_its_colour(tmp_path):
    shape = trimesh.creation.box()
    material = trimesh.visual.material.PBRMaterial(baseColorFactor=[1.0, 0.2140411, 0.0, 1.0])
    shape.visual = trimesh.visual.TextureVisuals(material=material)
    shape.export(tmp_path / "a.glb")
    assert torch.allclose(load_mesh(tmp_path / "a.glb").vertex_colors, torch.tensor([1, 0.5, 0]), atol=0.01)


def test_missing_unknown_damaged_and_empty_files(tmp_path):
    cases = {
        "none.glb": (None, "There is no mesh file"),
        "a.blend": (b"BLENDER", "not of a known mesh format"),
        "a.glb": (b"glTF\x02\x00\x00\x00", "damaged or truncated"),
        "a.obj": (b"v 0 0 0\nv 1 0 0\n", "triangles"),
        "a.stl": (b"", "a.stl is empty"),
        "zipped.glb": (b"PK\x03\x04" + b"\0" * 99, "is a zip archive"),
        "ply.obj": (b"ply\nformat ascii 1.0\n", "is a PLY file, whatever"),
        "web.stl": (b"<!DOCTYPE html>", "damaged or truncated"),
        "long" + "g" * 300 + ".glb": (None, "There is no mesh file"),
        "nul\0.glb": (None, "There is no mesh file"),
        "points.ply": (
            b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
            b"end_header\n0 0 0\n",
            "triangles",
        ),
    }
    for name, (content, sentence) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=sentence):
            load_mesh(tmp_path / name)


def test_a_truncated_glb_is_told(tmp_path):
    path = tmp_path / "a.glb"
    to_trimesh(textured()).export(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match="damaged or truncated"):
        load_mesh(path)


def test_two_textured_parts_share_one_texture_afterwards(tmp_path):
    """Each keeps its own colours."""
    parts = []
    for shift, color in ((0.0, (1.0, 0, 0)), (5.0, (0, 0, 1.0))):
        mesh = textured().mapped(lambda v, shift=shift: v + shift)
        parts.append(to_trimesh(Mesh(**{**vars(mesh), "texture": torch.tensor(color)[:, None, None].expand(3, 8, 8)})))
    trimesh.Scene(parts).export(tmp_path / "two.glb")
    mesh = load_mesh(tmp_path / "two.glb")
    assert len(mesh.faces) == 8
    height, width = mesh.texture.shape[1:]
    x, y = (mesh.uvs * torch.tensor([width, height])).long().T
    seen = mesh.texture[:, y.clamp_max(height - 1), x.clamp_max(width - 1)].T
    first = mesh.vertices[:, 0] < 3
    assert torch.allclose(seen[first], torch.tensor([1.0, 0, 0]), atol=0.02)
    assert torch.allclose(seen[~first], torch.tensor([0, 0, 1.0]), atol=0.02)


def test_a_mirrored_part_is_not_inside_out(tmp_path):
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=np.diag([-1.0, 2, 1, 1]))
    scene.export(tmp_path / "a.glb")
    assert to_trimesh(load_mesh(tmp_path / "a.glb")).volume == pytest.approx(2.0)
