"""OBJ, PLY and STL as text and bytes; that other programs read them alike is shown in test_mesh_io.py."""

import struct

import numpy as np
import torch

from recon_lib.meshes.files.plain_formats import encode_obj, encode_ply, encode_stl
from recon_lib.meshes.mesh import Mesh


def triangle(**attributes) -> Mesh:
    return Mesh(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 0.1, 0]]), torch.tensor([[0, 1, 2]]), **attributes)


def lines(content: bytes, word: str) -> list[str]:
    return [line for line in content.decode().splitlines() if line.split()[0] == word]


def test_obj_of_a_bare_shape():
    files = encode_obj(triangle(), "shape")
    assert list(files) == ["shape.obj"]
    assert files["shape.obj"].decode().splitlines() == ["v 0 0 0", "v 1 0 0", "v 0 0.1 0", "f 1 2 3"]


def test_obj_with_texture_has_its_side_files_and_counts_v_upward():
    mesh = triangle(uvs=torch.tensor([[0.0, 0], [1, 0], [0.5, 0.75]]), texture=torch.rand(3, 4, 4))
    files = encode_obj(mesh.with_normals(), "cup")
    assert list(files) == ["cup.obj", "cup.mtl", "cup.png"]
    assert lines(files["cup.obj"], "vt") == ["vt 0 1", "vt 1 1", "vt 0.5 0.25"]
    assert lines(files["cup.obj"], "vn") == ["vn 0 0 1"] * 3
    assert lines(files["cup.obj"], "f") == ["f 1/1/1 2/2/2 3/3/3"]
    assert lines(files["cup.obj"], "mtllib") == ["mtllib cup.mtl"]
    assert lines(files["cup.mtl"], "map_Kd") == ["map_Kd cup.png"]
    assert files["cup.png"].startswith(b"\x89PNG")


def test_obj_with_vertex_colours_and_normals():
    files = encode_obj(triangle(vertex_colors=torch.tensor([[1.0, 0.5, 0]] * 3)).with_normals(), "a")
    assert lines(files["a.obj"], "v")[1] == "v 1 0 0 1 0.5 0"
    assert lines(files["a.obj"], "f") == ["f 1//1 2//2 3//3"]


def test_ply_has_what_the_mesh_has():
    codes = torch.tensor([1, 2, 3], dtype=torch.uint8)
    mesh = triangle(vertex_colors=torch.tensor([[1.0, 0.5, 0]] * 3), provenance=codes)
    head, body = encode_ply(mesh, provenance=True).split(b"end_header\n")
    properties = [line.split()[-1] for line in head.decode().splitlines() if line.startswith("property")]
    assert properties == ["x", "y", "z", "red", "green", "blue", "provenance", "vertex_indices"]
    assert len(body) == 3 * (12 + 3 + 1) + 13
    assert body[12:16] == bytes([255, 128, 0, 1])
    assert struct.unpack("<B3i", body[-13:]) == (3, 0, 1, 2)
    assert b"provenance" not in encode_ply(mesh)


def test_an_origin_is_added_back_in_double_precision():
    mesh = Mesh(**{**vars(triangle()), "origin": (412345.25, 5456789.125, -3.0)})
    assert lines(encode_obj(mesh, "a")["a.obj"], "v")[0] == "v 412345.25 5456789.125 -3"
    head, body = encode_ply(mesh).split(b"end_header\n")
    assert b"property double x" in head
    assert struct.unpack("<3d", body[:24]) == (412345.25, 5456789.125, -3.0)


def test_stl_is_binary_with_outward_normals():
    content = encode_stl(triangle())
    assert not content.startswith(b"solid")  # readers would take it for text
    assert len(content) == 84 + 50
    assert struct.unpack_from("<I", content, 80) == (1,)
    np.testing.assert_allclose(struct.unpack_from("<12f", content, 84), [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0.1, 0])
