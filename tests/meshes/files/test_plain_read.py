"""STL in both forms, and OFF with its relatives."""

import struct

import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh

FACET = "facet normal 0 0 1\nouter loop\nvertex {}\nvertex {}\nvertex {}\nendloop\nendfacet\n"
TEXT = "solid a\n" + FACET.format("0 0 0", "1 0 0", "0 1 0") + FACET.format("1 0 0", "1 1 0", "0 1 0") + "endsolid a\n"
BINARY = (
    b"solid but binary".ljust(80) + struct.pack("<I", 2)
    + struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    + struct.pack("<12fH", 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0)
)  # fmt: skip


def loaded(tmp_path, content, ending):
    (tmp_path / f"a.{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_mesh(tmp_path / f"a.{ending}")


@pytest.mark.parametrize(
    "content",
    [TEXT, TEXT.upper(), TEXT + TEXT.replace("0 0 0", "0 0 9"), BINARY, BINARY[16:80] + BINARY[:16] + BINARY[80:]],
)
def test_stl_corners_at_one_place_are_one_vertex(content, tmp_path):
    mesh = loaded(tmp_path, content, "stl")
    assert len(mesh.vertices) in (4, 5)
    assert mesh.face_normals[0].tolist() == [0, 0, 1]


def test_text_stl_far_away_is_read_in_double_precision(tmp_path):
    mesh = loaded(
        tmp_path, TEXT.replace("vertex 0", "vertex 5456789.25").replace("vertex 1", "vertex 5456790.25"), "stl"
    )
    assert float(mesh.face_areas.sum()) == pytest.approx(1)


@pytest.mark.parametrize(
    "content",
    [
        "OFF\n5 1 0\n0 2 0\n0 0 0\n2 0 0\n2 2 0\n1 0.5 0\n5 0 1 2 3 4\n",
        "OFF 5 1 0\n# a comment\n0 2 0\n\n0 0 0 # one more\n2 0 0\n2 2 0\n1 0.5 0\n5 0 1 2 3 4\n",
        "NOFF\n5 1 0\n"
        + "".join(f"{p} 0 0 1\n" for p in ("0 2 0", "0 0 0", "2 0 0", "2 2 0", "1 0.5 0"))
        + "5 0 1 2 3 4\n",
    ],
)
def test_off_polygons_have_their_area(content, tmp_path):
    assert float(loaded(tmp_path, content, "off").face_areas.sum()) == pytest.approx(2.5)


def test_colours_of_off(tmp_path):
    square = ["0 0 0", "1 0 0", "1 1 0", "0 1 0"]
    whole = "COFF\n4 1 0\n" + "".join(f"{p} 255 0 0 255\n" for p in square) + "4 0 1 2 3\n"
    assert loaded(tmp_path, whole, "off").vertex_colors[0].tolist() == [1, 0, 0]
    faces = "OFF\n4 2 0\n" + "\n".join(square) + "\n3 0 1 2 1.0 0.0 0.0\n3 0 2 3 0.0 0.0 1.0\n"
    mesh = loaded(tmp_path, faces, "off")
    torch.testing.assert_close(mesh.vertex_colors[mesh.faces][:, :, 0], torch.tensor([[1.0] * 3, [0.0] * 3]))


@pytest.mark.parametrize(
    ("content", "ending", "sentence"),
    [
        (BINARY[:-1], "stl", "end early"),
        (BINARY[:70], "stl", "does not end with endsolid"),
        (b"\0" * 40, "stl", "end early"),
        (TEXT[:-60], "stl", "without three corners"),
        (TEXT.replace("1 1 0", "1 x 0"), "stl", "no number"),
        (TEXT.replace("1 1 0", "1 nan 0"), "stl", "NaN"),
        ("solid\nendsolid\n", "stl", "no triangles"),
        ("# OFF", "off", "no OFF file"),
        ("OFF\n3 1 0\n0 0 0\n1 0 0\n", "off", "end early"),
        ("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1\n", "off", "end early"),
        ("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 9\n", "off", "outside its 3"),
        ("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 -1\n", "off", "outside its 3"),
        ("OFF\n3 -1 0\n0 0 0\n1 0 0\n0 1 0\n", "off", "end early"),
        ("OFF\n0 0 0\n", "off", "no triangles"),
        ("OFF\n", "off", "end early"),
    ],
)  # fmt: skip
def test_damage_is_told(content, ending, sentence, tmp_path):
    with pytest.raises(BadInput, match=sentence):
        loaded(tmp_path, content, ending)
