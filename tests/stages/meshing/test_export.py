"""Mesh files: what is written is read back the same, in the requested size and position, or nothing is written."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import trimesh

from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.meshes.mesh import Mesh
from recon_lib.render.mesh import sample_texture
from recon_lib.stages.meshing import export
from recon_lib.stages.meshing.export import save_mesh

ALL = ("glb", "obj", "ply", "stl")


def box(*half: float, **attributes) -> Mesh:
    shape = trimesh.creation.box(extents=[2 * h for h in half])
    vertices = torch.tensor(shape.vertices, dtype=torch.float32)
    return Mesh(vertices, torch.tensor(shape.faces, dtype=torch.int64), **attributes)


def split_at_seams(mesh: Mesh) -> Mesh:
    """Every triangle with its own corners, as after a UV unwrap at its worst."""
    corners = mesh.triangles.reshape(-1, 3)
    return Mesh(corners, torch.arange(len(corners)).reshape(-1, 3))


def textured() -> Mesh:
    mesh = split_at_seams(box(0.5, 1.0, 0.25))
    texture = torch.rand(3, 16, 16).mul(255).round() / 255
    return replace(mesh, uvs=torch.rand(len(mesh.vertices), 2), texture=texture)


def colored() -> Mesh:
    mesh = box(0.5, 1.0, 0.25)
    return replace(mesh, vertex_colors=torch.rand(8, 3).mul(255).round() / 255)


@pytest.mark.parametrize("kind", ALL)
def test_files_are_read_back_the_same(kind, tmp_path):
    mesh = colored()
    report = save_mesh(mesh, tmp_path / f"a.{kind}", up="y", size_mm=2.0 if kind == "stl" else None)
    back = load_mesh(tmp_path / f"a.{kind}")
    assert torch.allclose(back.bounds, mesh.bounds, atol=1e-6)
    assert sorted(map(tuple, back.vertices.tolist())) == sorted(map(tuple, mesh.vertices.tolist()))
    assert float(back.face_areas.sum()) == pytest.approx(float(mesh.face_areas.sum()))
    volume = trimesh.load(tmp_path / f"a.{kind}", force="mesh").volume
    assert volume == pytest.approx(1.0)
    assert report.watertight
    assert report.volume == pytest.approx(1.0)
    assert (report.vertices, report.faces) == (8, 12)
    if kind != "stl":
        order = [int((back.vertices - v).norm(dim=1).argmin()) for v in mesh.vertices]
        assert torch.allclose(back.vertex_colors[order], mesh.vertex_colors, atol=0.03)


@pytest.mark.parametrize("kind", ["glb", "obj"])
def test_textures_are_read_back_the_same(kind, tmp_path):
    mesh = textured()
    report = save_mesh(mesh, tmp_path / f"my cup.{kind}")
    back = load_mesh(tmp_path / f"my cup.{kind}")
    assert torch.allclose(back.texture, mesh.texture, atol=1e-6)
    assert torch.allclose(back.uvs[back.faces].sum(), mesh.uvs[mesh.faces].sum(), rtol=1e-5)
    if kind == "glb":
        assert torch.equal(back.vertices, mesh.vertices)
        assert torch.allclose(back.uvs, mesh.uvs, atol=1e-6)
    assert report.watertight  # seams of the unwrap are no holes
    names = {p.name for p in tmp_path.iterdir()}
    assert names == ({"my cup.glb"} if kind == "glb" else {"my cup.obj", "my_cup.mtl", "my_cup.png"})


@pytest.mark.parametrize("kind", ["glb", "obj", "ply"])
def test_repeats_are_written_and_read_back(kind, tmp_path):
    mesh = textured()
    mesh = replace(mesh, uvs=mesh.uvs * 5 - 2)
    save_mesh(mesh, tmp_path / f"a.{kind}")
    back = load_mesh(tmp_path / f"a.{kind}")
    if kind == "ply":
        assert torch.allclose(back.vertex_colors, sample_texture(mesh.texture, mesh.uvs, repeat=True), atol=1 / 255)
        return
    assert back.repeats
    assert torch.allclose(back.uvs[back.faces], mesh.uvs[mesh.faces], atol=1e-5)
    assert torch.allclose(back.texture, mesh.texture, atol=1e-6)


def test_a_texture_colours_the_vertices_of_a_ply(tmp_path):
    mesh = replace(textured(), texture=torch.tensor([0.2, 0.4, 0.8])[:, None, None].expand(3, 4, 4))
    save_mesh(mesh, tmp_path / "a.ply")
    assert torch.allclose(load_mesh(tmp_path / "a.ply").vertex_colors, torch.tensor([0.2, 0.4, 0.8]), atol=1e-3)


@pytest.mark.parametrize("kind", ["glb", "ply"])
def test_provenance_survives_when_asked_for(kind, tmp_path):
    codes = torch.tensor([0, 1, 2, 3, 3, 2, 1, 0], dtype=torch.uint8)
    mesh = replace(colored(), provenance=codes)
    save_mesh(mesh, tmp_path / f"a.{kind}", provenance=True)
    assert torch.equal(load_mesh(tmp_path / f"a.{kind}").provenance, codes)
    save_mesh(mesh, tmp_path / f"a.{kind}")
    assert load_mesh(tmp_path / f"a.{kind}").provenance is None


@pytest.mark.parametrize(
    ("kind", "options", "size", "unit"),
    [
        ("glb", {}, (1.0, 2.0, 0.5), "units"),
        ("glb", {"size_mm": 300.0}, (0.15, 0.3, 0.075), "m"),
        ("ply", {"up": "z"}, (1.0, 0.5, 2.0), "units"),
        ("stl", {}, (50.0, 25.0, 100.0), "mm"),
        ("stl", {"size_mm": 30.0}, (15.0, 7.5, 30.0), "mm"),
        ("stl", {"up": "y"}, (50.0, 100.0, 25.0), "mm"),
    ],
)
def test_size_and_up_axis(kind, options, size, unit, tmp_path):
    report = save_mesh(box(0.5, 1.0, 0.25), tmp_path / f"a.{kind}", **options)
    assert [high - low for low, high in zip(*report.bounds, strict=True)] == pytest.approx(size)
    bounds = load_mesh(tmp_path / f"a.{kind}").bounds
    assert (bounds[1] - bounds[0]).tolist() == pytest.approx(size)
    assert report.unit == unit
    assert report.volume == pytest.approx(size[0] * size[1] * size[2], rel=1e-5)


def test_z_up_turns_and_does_not_mirror(tmp_path):
    """Top goes to +z, the front to -y, and the winding stays outward."""
    mesh = box(0.1, 0.1, 0.1).mapped(lambda v: v + torch.tensor([1.0, 2.0, 3.0]))
    save_mesh(mesh, tmp_path / "a.ply", up="z")
    back = load_mesh(tmp_path / "a.ply")
    assert back.bounds.mean(0).tolist() == pytest.approx([1.0, -3.0, 2.0])
    assert trimesh.load(tmp_path / "a.ply").volume == pytest.approx(0.008, rel=1e-4)


def test_normals_run_smoothly_over_seams(tmp_path):
    ball = trimesh.creation.icosphere(subdivisions=3)
    mesh = split_at_seams(Mesh(torch.tensor(ball.vertices).float(), torch.tensor(ball.faces).long()))
    save_mesh(mesh, tmp_path / "a.glb")
    (shape,) = trimesh.load(tmp_path / "a.glb", process=False).geometry.values()
    assert (shape.vertex_normals * shape.vertices).sum(1).min() > 0.999


def test_an_open_surface_has_no_volume(tmp_path):
    mesh = box(1, 1, 1)
    report = save_mesh(replace(mesh, faces=mesh.faces[:-1]), tmp_path / "a.glb")
    assert not report.watertight
    assert report.volume is None
    assert "open surface" in str(report)


def test_the_report_reads_well_and_is_plain_data(tmp_path):
    report = save_mesh(box(0.5, 1.0, 0.25), tmp_path / "a.stl")
    assert str(report) == "a.stl: 50 x 25 x 100 mm, watertight, volume 1.25e+05 mm^3, 8 vertices, 12 triangles"
    assert asdict(report)["bounds"] == ((-25.0, -12.5, -50.0), (25.0, 12.5, 50.0))


def test_the_format_can_be_named_apart_from_the_ending(tmp_path):
    assert save_mesh(box(1, 1, 1), tmp_path / "model.v2", format="PLY").path == tmp_path / "model.v2.ply"
    assert save_mesh(box(1, 1, 1), tmp_path / "A.GLB").path.name == "A.GLB"
    assert save_mesh(box(1, 1, 1), tmp_path / "a.glb", format="glb").path.name == "a.glb"


def test_missing_folders_are_made(tmp_path):
    assert save_mesh(box(1, 1, 1), tmp_path / "new" / "er" / "a.glb").path.is_file()


def test_the_input_stays_as_it_was(tmp_path):
    mesh = textured()
    before = {name: value.clone() for name, value in vars(mesh).items() if torch.is_tensor(value)}
    for kind in ALL:
        save_mesh(mesh, tmp_path / f"a.{kind}", up="z", size_mm=10)
    assert all(value is None or torch.equal(value, getattr(mesh, name)) for name, value in before.items())


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("a.fbx", {}, "'fbx' is no mesh format"),
        ("a", {}, "'' is no mesh format"),
        ("a.glb", {"format": "usd"}, "'usd' is no mesh format"),
        ("a.glb", {"up": "x"}, "neither 'y' nor 'z'"),
        ("a.glb", {"size_mm": 0.0}, "A size of 0.0 mm is impossible"),
        ("a.glb", {"size_mm": float("nan")}, "A size of nan mm"),
    ],
)
def test_bad_options_get_one_sentence_and_leave_nothing(name, options, sentence, tmp_path):
    with pytest.raises(BadInput, match=sentence):
        save_mesh(box(1, 1, 1), tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_empty_and_flat_meshes_are_reported(tmp_path):
    empty = Mesh(torch.zeros(0, 3), torch.zeros(0, 3, dtype=torch.int64))
    with pytest.raises(BadInput, match="no triangles"):
        save_mesh(empty, tmp_path / "a.glb")
    with pytest.raises(BadInput, match="no extent"):
        save_mesh(box(1, 1, 1).mapped(torch.zeros_like), tmp_path / "a.stl")


@pytest.mark.parametrize("path", ["../a.glb", "sub/../../a.glb", "/elsewhere/a.glb"])
def test_a_path_must_not_leave_its_root(path, tmp_path):
    root = tmp_path / "output"
    with pytest.raises(BadInput, match="lies outside"):
        save_mesh(box(1, 1, 1), path, root=root)
    assert not (tmp_path / "a.glb").exists()


def test_a_link_out_of_the_root_is_an_escape(tmp_path):
    (tmp_path / "output").mkdir()
    (tmp_path / "other").mkdir()
    try:
        (tmp_path / "output" / "link").symlink_to(tmp_path / "other", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(BadInput, match="lies outside"):
        save_mesh(box(1, 1, 1), "link/a.glb", root=tmp_path / "output")


def test_a_path_within_its_root_is_written_there(tmp_path):
    assert save_mesh(box(1, 1, 1), "sub/a.glb", root=tmp_path).path == tmp_path.resolve() / "sub" / "a.glb"


def test_a_folder_that_is_a_file_is_reported(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(BadInput, match="choose another folder"):
        save_mesh(box(1, 1, 1), tmp_path / "file" / "a.glb")


@pytest.mark.parametrize("kind", ALL)
def test_a_full_disk_leaves_nothing_new_and_the_old_file_whole(kind, tmp_path, monkeypatch):
    path = tmp_path / f"a.{kind}"
    save_mesh(textured(), path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    real, written = Path.write_bytes, []

    def fails_on_the_last(self, content):
        written.append(self)
        if len(written) == len(before):
            real(self, content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        return real(self, content)

    monkeypatch.setattr(Path, "write_bytes", fails_on_the_last)
    with pytest.raises(BadInput, match="No space left"):
        save_mesh(textured(), path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_crash_while_encoding_leaves_nothing(tmp_path, monkeypatch):
    def crash(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "encode_glb", crash)
    with pytest.raises(KeyboardInterrupt):
        save_mesh(box(1, 1, 1), tmp_path / "a.glb")
    assert not list(tmp_path.iterdir())
