import io
import json
import logging

import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.data.rendering.objects import (
    ObjectFile,
    in_unit_sphere,
    iterate_objects,
    list_objects,
    load_object,
    merge_corners,
)  # fmt: skip
from recon_lib.errors import BadInput
from recon_lib.meshes.mesh import Mesh
from tests.helpers.shapes import box, quad


def npz(path, mesh=None, **more):
    mesh = mesh or box()
    arrays = {"v": mesh.vertices.numpy(), "f": mesh.faces.numpy().astype(np.int32)}
    arrays["vc"] = np.arange(3 * len(mesh.vertices), dtype=np.uint8).reshape(-1, 3)
    np.savez(path, **arrays, **more)
    return path


class TestList:
    def test_every_mesh_of_a_folder(self, tmp_path):
        for name in ("b.obj", "a.GLB", "sub/c.stl", "notes.txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        found = list_objects(tmp_path)
        assert [(f.name, f.split) for f in found] == [("a", "train"), ("b", "train"), ("c", "train")]
        assert found[2].path == tmp_path / "sub" / "c.stl"

    def test_a_manifest_decides(self, tmp_path):
        records = [
            {"name": "cup", "file": "x/1.npz", "split": "val"},
            {"name": "apple", "file": "x/2.npz"},
            {"name": "zebra", "file": "x/3.npz", "split": "val"},
        ]
        (tmp_path / "manifest.json").write_text(json.dumps({"objects": records}))
        (tmp_path / "other.obj").touch()
        assert [f.name for f in list_objects(tmp_path)] == ["apple", "cup", "zebra"]
        assert [f.name for f in list_objects(tmp_path, "val")] == ["cup", "zebra"]
        assert list_objects(tmp_path, "train") == [ObjectFile("apple", tmp_path / "x/2.npz", "train")]

    def test_nothing_there(self, tmp_path):
        for folder in (tmp_path, tmp_path / "missing"):
            with pytest.raises(BadInput, match="No mesh of split 'train'"):
                list_objects(folder, "train")

    @pytest.mark.parametrize("text", ["{", "[]", '{"meshes": []}', '{"objects": [{"file": "a.obj"}]}'])
    def test_a_damaged_manifest(self, tmp_path, text):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(BadInput, match=r"manifest.json .* no list of objects"):
            list_objects(tmp_path)


class TestLoad:
    def test_z_up_becomes_y_up_in_the_unit_sphere(self, tmp_path):
        mesh = box((1.0, 2.0, 4.0)).mapped(lambda v: v + torch.tensor([5.0, 0, 0]))
        path = npz(tmp_path / "box.npz", mesh)
        found = load_object(path)
        half = torch.tensor([1.0, 4.0, 2.0]) / 21**0.5
        torch.testing.assert_close(found.bounds, torch.stack([-half, half]))
        assert found.vertices.norm(dim=1).max() == pytest.approx(1)
        top = mesh.vertices[:, 2] > 0
        assert (found.vertices[top, 1] > 0).all()
        same = load_object(path, up="y")
        torch.testing.assert_close(same.bounds[1], torch.tensor([1.0, 2.0, 4.0]) / 21**0.5)

    def test_turning_is_no_mirroring(self, tmp_path):
        found = load_object(npz(tmp_path / "box.npz"))
        outward = (found.face_normals * found.triangles.mean(1)).sum(1)
        assert (outward > 0).all()

    def test_vertex_colours_are_bytes(self, tmp_path):
        colors = load_object(npz(tmp_path / "box.npz")).vertex_colors
        torch.testing.assert_close(colors, torch.arange(24).reshape(8, 3) / 255)

    def test_a_textured_npz_has_v_upward(self, tmp_path):
        pixels = np.zeros((16, 8, 3), np.uint8)
        pixels[:8] = [250, 20, 20]  # red above blue
        pixels[8:] = [20, 20, 250]
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
        uv = np.float32([[0, 1], [1, 1], [0, 0], [1, 0]])  # the quad's corners, v upward
        ft = quad().faces.numpy()
        jpeg = np.frombuffer(buffer.getvalue(), np.uint8)
        found = load_object(npz(tmp_path / "quad.npz", quad(), uv=uv, ft=ft, tex_jpg=jpeg), up="y")
        assert found.texture.shape == (3, 16, 8)
        torch.testing.assert_close(found.texture[:, 0, 0], torch.tensor([250.0, 20, 20]) / 255, rtol=0, atol=0.05)
        upper = found.vertices[:, 1] > 0
        assert torch.equal(found.uvs[upper, 1], torch.zeros(2)) and torch.equal(found.uvs[~upper, 1], torch.ones(2))

    def test_other_formats_are_read_by_the_library(self, tmp_path):
        (tmp_path / "t.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 0 2\nf 1 2 3\n")
        found = load_object(tmp_path / "t.obj")
        assert found.bounds[1, 1] > found.bounds[1, 0] > 0
        assert not found.vertices[:, 2].any()

    def test_a_point_has_no_extent(self):
        with pytest.raises(BadInput, match="single point"):
            in_unit_sphere(Mesh(torch.ones(3, 3), torch.tensor([[0, 1, 2]])))


def test_merge_corners_keeps_one_vertex_per_position_and_uv():
    faces, uv_faces = torch.tensor([[0, 1, 2], [2, 1, 3]]), torch.tensor([[0, 1, 2], [5, 1, 3]])
    pairs, merged = merge_corners(faces, uv_faces)
    assert {tuple(p) for p in pairs.tolist()} == {(0, 0), (1, 1), (2, 2), (2, 5), (3, 3)}
    assert torch.equal(pairs[merged][..., 0], faces) and torch.equal(pairs[merged][..., 1], uv_faces)


def test_damaged_files_are_logged_and_left_out(tmp_path, caplog):
    good = npz(tmp_path / "good.npz")
    content = good.read_bytes()
    damaged = {"text": b"no mesh", "empty": b"", "cut": content[: len(content) // 2], "tail": content[:-30]}
    for name, data in damaged.items():
        (tmp_path / f"{name}.npz").write_bytes(data)
    np.savez(tmp_path / "keyless.npz", v=np.zeros((3, 3)))
    np.savez(tmp_path / "faceless.npz", v=np.zeros((3, 3)), f=np.int32([[0, 1, 9]]), vc=np.zeros((3, 3), np.uint8))
    names = [*damaged, "keyless", "faceless", "gone", "good"]
    files = [ObjectFile(name, tmp_path / f"{name}.npz") for name in names]
    with caplog.at_level(logging.WARNING, "recon3d"):
        found = list(iterate_objects(files))
    assert [index for index, _ in found] == [len(names) - 1]
    assert [message.split()[0] for message in caplog.messages] == names[:-1]
