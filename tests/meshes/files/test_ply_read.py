"""PLY files of every encoding, with lists of every length, strips, and colours and UVs wherever they stand."""

import struct

import numpy as np
import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh
from tests.helpers.gltf_files import QUARTERS, picture

POINTS = [(0, 2, 0), (0, 0, 0), (2, 0, 0), (2, 2, 0), (1, 0.5, 0)]
CONCAVE = [[0, 1, 2, 3, 4]]
MIXED = [[1, 2, 4], [0, 1, 4], [2, 3, 4], [0, 1, 2, 3]]
CODES = {"float": "f", "double": "d", "uchar": "B", "int": "i", "uint": "I", "ushort": "H", "short": "h"}


def header(encoding, elements):
    lines = ["ply", f"format {encoding} 1.0", "comment made by hand"]
    for name, count, properties in elements:
        lines += [f"element {name} {count}", *(f"property {p}" for p in properties)]
    return ("\n".join(lines) + "\nend_header\n").encode()


def row(encoding, properties, values):
    """One row; the value of a list property is a list."""
    order = ">" if "big" in encoding else "<"
    out = b""
    words = []
    for kind, value in zip(properties, values, strict=True):
        parts = kind.split()
        items = [(parts[1], len(value)), *((parts[2], v) for v in value)] if parts[0] == "list" else [(parts[0], value)]
        for code, item in items:
            whole = code not in ("float", "double")
            out += struct.pack(order + CODES[code], int(item) if whole else item)
            words.append(str(int(item) if whole else item))
    return " ".join(words).encode() + b"\n" if encoding == "ascii" else out


def ply(encoding, *elements):
    """elements: (name, properties, rows)."""
    head = header(encoding, [(name, len(rows), properties) for name, properties, rows in elements])
    return head + b"".join(row(encoding, p, r) for _, p, rows in elements for r in rows)


XYZ = ["float x", "float y", "float z"]
INDICES = ["list uchar int vertex_indices"]
ENCODINGS = ["ascii", "binary_little_endian", "binary_big_endian"]


def loaded(tmp_path, content, name="a.ply"):
    (tmp_path / name).write_bytes(content)
    return load_mesh(tmp_path / name)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("faces", "area", "count"), [(CONCAVE, 2.5, 3), (MIXED, 2.5 + 4, 5)])
def test_polygons_in_every_encoding(encoding, faces, area, count, tmp_path):
    mesh = loaded(tmp_path, ply(encoding, ("vertex", XYZ, POINTS), ("face", INDICES, [[f] for f in faces])))
    assert len(mesh.faces) == count
    assert float(mesh.face_areas.sum()) == pytest.approx(area)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_other_elements_and_lists_are_passed_over(encoding, tmp_path):
    content = ply(
        encoding,
        ("camera", ["float view_px", "list uchar float numbers"], [(1, [1, 2]), (2, [])]),
        ("vertex", ["double x", "double y", "double z", "list uchar uchar tags"],
         [(*p, [1] * i) for i, p in enumerate(POINTS)]),
        ("face", ["uchar flags", "list uint ushort vertex_index"], [(7, [0, 1, 2]), (7, [0, 2, 3])]),
        ("edge", ["int vertex1", "int vertex2"], [(0, 1)]),
    )  # fmt: skip
    assert float(loaded(tmp_path, content).face_areas.sum()) == pytest.approx(4)


def test_strips_begin_anew_after_minus_one(tmp_path):
    content = ply(
        "binary_little_endian", ("vertex", XYZ, POINTS), ("tristrips", INDICES, [[[1, 2, 0, 3, -1, 0, 1, 4]]])
    )
    mesh = loaded(tmp_path, content)
    assert mesh.faces.tolist() == [[1, 2, 0], [0, 2, 3], [0, 1, 4]]


@pytest.mark.parametrize(("kind", "full"), [("uchar", 255), ("ushort", 65535), ("float", 1), ("float", 255)])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_vertex_colours_of_every_kind(kind, full, encoding, tmp_path):
    if encoding == "ascii" and kind == "ushort":
        full = 65535
    properties = [*XYZ, *(f"{kind} {name}" for name in ("red", "green", "blue", "alpha"))]
    rows = [(*p, full, full * 0.6, 0, full) for p in POINTS]
    mesh = loaded(tmp_path, ply(encoding, ("vertex", properties, rows), ("face", INDICES, [[f] for f in CONCAVE])))
    torch.testing.assert_close(mesh.vertex_colors[0], torch.tensor([1, 0.6, 0]), atol=0.003, rtol=0)


def test_face_colours_are_not_mixed(tmp_path):
    properties = [*INDICES, "uchar red", "uchar green", "uchar blue"]
    faces = [([0, 1, 2], 255, 0, 0), ([0, 2, 3], 0, 0, 255)]
    mesh = loaded(tmp_path, ply("ascii", ("vertex", XYZ, POINTS), ("face", properties, faces)))
    assert mesh.vertex_colors[mesh.faces[0]].tolist() == [[1, 0, 0]] * 3
    assert mesh.vertex_colors[mesh.faces[1]].tolist() == [[0, 0, 1]] * 3


def test_uvs_of_vertices_and_of_corners(tmp_path):
    (tmp_path / "tex.png").write_bytes(picture(QUARTERS))
    own = ("vertex", [*XYZ, "float s", "float t"], [(*p, p[0] / 2, p[1] / 2) for p in POINTS])
    corners = [([0, 1, 2], [0, 1, 0, 0, 1, 0]), ([0, 2, 3], [0, 3, 1, 0, 1, 3])]
    lists = ("face", [*INDICES, "list uchar float texcoord"], corners)
    for elements, wanted, count in (
        ((own, ("face", INDICES, [[[0, 1, 2]], [[0, 2, 3]]])), [0, 0], 4),
        ((("vertex", XYZ, POINTS), lists), [0, 0], 5),
    ):
        content = ply("binary_little_endian", *elements).replace(
            b"comment made by hand", b"comment TextureFile tex.png"
        )
        mesh = loaded(tmp_path, content)
        assert mesh.texture.shape == (3, 8, 8)
        assert mesh.uvs[mesh.faces[0, 0]].tolist() == wanted
        assert len(mesh.faces.unique()) == count
    assert mesh.uvs[mesh.faces[1, 0]].tolist() == [0, -2]


def test_double_precision_is_kept_until_an_origin_is_subtracted(tmp_path):
    far = np.array([412345.3, 5456789.2, 120])
    rows = [tuple(np.array(p) + far) for p in POINTS]
    properties = ["double x", "double y", "double z"]
    mesh = loaded(
        tmp_path, ply("binary_little_endian", ("vertex", properties, rows), ("face", INDICES, [[CONCAVE[0]]]))
    )
    assert float(mesh.face_areas.sum()) == pytest.approx(2.5, abs=1e-6)
    np.testing.assert_allclose(mesh.placed_vertices[1], far, atol=1e-6)


VALID = ply("binary_little_endian", ("vertex", XYZ, POINTS), ("face", INDICES, [[f] for f in MIXED]))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"PLYX" + b"\0" * 99, "no PLY file"),
        (b"ply\n" + b"x" * 200_000, "its header has no end"),
        (VALID.replace(b"little", b"middle"), "its header"),
        (VALID.replace(b"element vertex 5", b"element vertex -5"), "its header"),
        (VALID.replace(b"element vertex 5", b"element vertex 99999999999999"), "data end early"),
        (VALID.replace(b"element vertex 5", b"element vertex five"), "its header"),
        (VALID.replace(b"float x", b"quark x"), "its header"),
        (VALID[:-3], "data end early"),
        (ply("ascii", ("vertex", XYZ, POINTS), ("face", INDICES, [[[0, 1, 5]]])), "outside its 5 vertices"),
        (ply("ascii", ("vertex", XYZ, POINTS), ("face", INDICES, [[[0, 1, -2]]])), "outside its 5 vertices"),
        (ply("ascii", ("vertex", XYZ, [(0, 0, float("nan"))] * 3), ("face", INDICES, [[[0, 1, 2]]])), "NaN"),
        (ply("ascii", ("vertex", XYZ, POINTS)), "no triangles"),
        (ply("ascii", ("vertex", XYZ, POINTS), ("face", INDICES, [])), "no triangles"),
        (ply("ascii", ("vertex", XYZ[:2], [(0, 0)]), ("face", INDICES, [[[0, 0, 0]]])), "no triangles"),
        (b"ply\nformat ascii 1.0\nelement vertex 3\nproperty list uchar float x\nend_header\n", "data end early"),
    ],
)
def test_damage_is_told(content, sentence, tmp_path):
    with pytest.raises(BadInput, match=sentence):
        loaded(tmp_path, content)
