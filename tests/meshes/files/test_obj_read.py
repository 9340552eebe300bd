"""OBJ and MTL as they are written in the wild."""

import numpy as np
import pytest
import torch

from recon_lib.color_space import linear_to_srgb, srgb_to_linear
from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.render.mesh import sample_texture
from tests.helpers.gltf_files import QUARTERS, picture

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def loaded(tmp_path, text, mtl=None, name="a.obj"):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(data)
    if mtl is not None:
        (tmp_path / "a.mtl").write_text(mtl)
        (tmp_path / "tex.png").write_bytes(picture(QUARTERS))
    return load_mesh(tmp_path / name)


@pytest.mark.parametrize(
    "faces",
    [
        "f 1 2 3 4", "f 1 2 3\nf 1 3 4", "f -4 -3 -2 -1", "f 1/1 2/2 3/3 4/4", "f 1//1 2//1 3//1 4//1",
        "f 1/1/1 2/2/1 3/3/1 4/4/1", "f -4/-4/-1 -3/-3/-1 -2/-2/-1 -1/-1/-1",
        "f 1 2 3 \\\n 4", "f  1\t2 3  4 # a square",
        "f 1/1 2/2 3/3\nf 1 3 4", "f 1 2 3\nf 1//1 3//1 4//1", "fo 1 2 3 4", "f 1/ 2/ 3/ 4/",
    ],
)  # fmt: skip
def test_every_form_of_a_face(faces, tmp_path):
    text = SQUARE + "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nvn 0 0 1\n" + faces + "\n"
    for form in (text, text.replace("\n", "\r\n"), "\ufeff" + text, text.encode("utf-16")):
        mesh = loaded(tmp_path, form)
        assert len(mesh.faces) == 2
        assert float(mesh.face_areas.sum()) == pytest.approx(1)
        assert mesh.face_normals[:, 2].tolist() == [1, 1]


def test_relative_indices_count_from_their_own_line(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 0 0 5\nv 2 0 5\nv 0 2 5\nf -3 -2 -1\n"
    assert loaded(tmp_path, text).face_areas.tolist() == [0.5, 2.0]


def test_concave_polygons_have_their_area(tmp_path):
    text = "v 0 2 0\nv 0 0 0\nv 2 0 0\nv 2 2 0\nv 1 0.5 0\nf 1 2 3 4 5\n"
    assert float(loaded(tmp_path, text).face_areas.sum()) == pytest.approx(2.5)


def test_vertex_colours_of_both_ranges(tmp_path):
    for full in (1, 255):
        rows = "".join(f"v {x} {y} 0 {full} 0 {full * 0.5}\n" for x, y in ((0, 0), (1, 0), (0, 1)))
        mesh = loaded(tmp_path, rows + "f 1 2 3\n")
        torch.testing.assert_close(mesh.vertex_colors[0], torch.tensor([1, 0, 0.5]), atol=1e-5, rtol=0)


UVS = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
TEXTURED = "mtllib a.mtl\n" + SQUARE + UVS + "usemtl m\nf 1/1 2/2 3/3 4/4\n"


def top_left(mesh) -> torch.Tensor:
    """The colour at the corner (0, 1): red in the picture."""
    corner = int((mesh.vertices - torch.tensor([0, 1.0, 0])).norm(dim=1).argmin())
    inwards = mesh.uvs[corner] + 0.1 * (mesh.uvs.mean(0) - mesh.uvs[corner])
    return sample_texture(mesh.texture, inwards[None], repeat=mesh.repeats)[0]


@pytest.mark.parametrize(
    "line",
    ["map_Kd tex.png", "map_kd ./tex.png", "map_Kd -s 1 1 1 -o 0 0 0 tex.png", "map_Kd -clamp on tex.png",
     "map_Kd C:\\Users\\me\\tex.png", "map_Kd /home/me/textures/tex.png", "map_Kd textures\\tex.png",
     "Kd 0.4 0.4 0.4\nmap_Kd tex.png", "Kd 0 0 0\nmap_Kd tex.png", 'map_Kd "tex.png"', "map_Kd -mm 0 1 tex.png"],
)  # fmt: skip
def test_textures_however_they_are_named(line, tmp_path):
    mesh = loaded(tmp_path, TEXTURED, f"newmtl m\n{line}\n")
    torch.testing.assert_close(top_left(mesh), torch.tensor([1.0, 0, 0]), atol=0.01, rtol=0)


def test_a_file_name_with_spaces_and_several_libraries(tmp_path):
    (tmp_path / "my tex.png").write_bytes(picture(QUARTERS))
    (tmp_path / "my own.mtl").write_text("newmtl m\nmap_Kd my tex.png\n")
    (tmp_path / "b.mtl").write_text("newmtl other\nKd 1 0 0\n")
    mesh = loaded(tmp_path, TEXTURED.replace("mtllib a.mtl", "mtllib b.mtl\nmtllib my own.mtl"))
    torch.testing.assert_close(top_left(mesh), torch.tensor([1.0, 0, 0]), atol=0.01, rtol=0)


def test_a_coloured_kd_multiplies_its_map_in_linear_light(tmp_path):
    mesh = loaded(tmp_path, TEXTURED, "newmtl m\nKd 0.5 1 1\nmap_Kd tex.png\n")
    half = linear_to_srgb(srgb_to_linear(torch.tensor(0.5)))
    torch.testing.assert_close(top_left(mesh), torch.tensor([float(half), 0, 0]), atol=0.01, rtol=0)


def test_the_scale_of_a_map_repeats_it(tmp_path):
    mesh = loaded(tmp_path, TEXTURED, "newmtl m\nmap_Kd -s 2 3 tex.png\n")
    assert mesh.repeats
    assert np.ptp(mesh.uvs.numpy(), axis=0).tolist() == [2, 3]


def test_materials_of_one_colour_and_none(tmp_path):
    text = "mtllib a.mtl\n" + SQUARE + "usemtl red\nf 1 2 3\nusemtl gone\nf 1 3 4\n"
    mesh = loaded(tmp_path, text, "newmtl red\nKd 1 0 0\n")
    assert mesh.vertex_colors[mesh.faces[0]].tolist() == [[1, 0, 0]] * 3
    torch.testing.assert_close(mesh.vertex_colors[mesh.faces[1]], torch.full((3, 3), 0.8))


def test_a_missing_library_or_texture_is_told_in_the_log(tmp_path, caplog):
    assert loaded(tmp_path, TEXTURED).texture is None
    assert "a.mtl" in caplog.text
    caplog.clear()
    assert loaded(tmp_path, TEXTURED, "newmtl m\nmap_Kd gone.png\n").texture is None
    assert "gone.png, which is missing" in caplog.text


def test_transparency_is_left_out_with_a_word(tmp_path, caplog):
    loaded(tmp_path, TEXTURED, "newmtl m\nd 1.0\nKd 1 0 0\n")
    assert "transparency" not in caplog.text
    assert loaded(tmp_path, TEXTURED, "newmtl m\nd 0.3\nKd 1 0 0\n").vertex_colors[0].tolist() == [1, 0, 0]
    assert "transparency" in caplog.text


def test_faces_without_uvs_among_textured_ones(tmp_path):
    mesh = loaded(tmp_path, TEXTURED + "f 1 2 4\n", "newmtl m\nKd 0 0 1\nmap_Kd tex.png\n")
    assert len(mesh.faces) == 3
    assert mesh.texture is not None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("v 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "fewer than three numbers"),
        ("v 0 0 zero\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "no number"),
        ("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "NaN or infinite"),
        ("v 0 0 1e999\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "NaN or infinite"),
        ("v 0 0 1e300\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "too large"),
        (SQUARE + "f 1 2\n", "fewer than three corners"),
        (SQUARE + "f 1 2 x\n", "a corner is no number"),
        (SQUARE + "f 1 2 99999999999999999999999\n", "a corner is no number"),
        (SQUARE + "f 1 2 5\n", "outside its 4 vertices"),
        (SQUARE + "f 1 2 -5\n", "outside its 4 vertices"),
        (SQUARE + "f 0 1 2\n", "counts from 1"),
        (SQUARE + "vt 0 0\nf 1/1 2/2 3/1\n", "outside its 1 vertices"),
        (SQUARE, "no triangles"),
        ("", "is empty"),
        ("f 1 2 3\n", "no triangles"),
        ("\0" * 100, "no triangles"),
    ],
)
def test_damage_is_told(text, sentence, tmp_path):
    with pytest.raises(BadInput, match=sentence):
        loaded(tmp_path, text)


# -- many lines at once give what each line alone gives ------------------------------------------------------

UV_LINES = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        ("f 1/1/1 2/2/1 3/3/1 4/4/1", "f 1/1/1 2/2/1 3/3/1 4/4/1 # square"),
        ("f 1/1 2/2 3/3\nf 1/1 3/3 4/4", "f 1/1 2/2/1 3/3\nf 1/1 3/3 4/4/1"),
        ("f 1 2 3\nf 1 3 4", "f 1 2 3\nf +1 3 4"),
        ("f 1//1 2//1 3//1\nf 1//1 3//1 4//1", "f 1// 2// 3//\nf 1//1 3//1 4//1"),
        ("f 1 2 3\nf 1 3 4", "g a\nf 1 2 3\n\n# f 9 9 9\nvp 1\nfoo 1\n  f 1 3 4  "),
        ("f 1 2 3\nf 1 3 4", "f\t1\t2\t3\nf 1 3 4\\\n"),
    ],
)
def test_odd_lines_among_plain_ones(plain, odd, tmp_path):
    head = "vn 0 0 1\n" + SQUARE + UV_LINES
    wanted, found = (loaded(tmp_path, head + faces) for faces in (plain, odd))
    assert torch.equal(wanted.vertices[wanted.faces], found.vertices[found.faces])


@pytest.mark.parametrize(
    "corners",
    ["1/2 3/4/5/6 2", "1 2 3/", "/1 2 3", "1/2/3/4 2 3", "1-2 3 4", "1.5 2 3", "1 2 3 f", "1/a 2 3", "- 2 3"],
)
def test_corners_that_are_none_are_no_corners(corners, tmp_path):
    """Only as many slashes in all as plain corners have: each corner is looked at."""
    try:
        mesh = loaded(tmp_path, SQUARE + UV_LINES + f"f {corners}\n")
    except BadInput:
        return
    assert corners in ("1/2 3/4/5/6 2", "1 2 3/", "1/2/3/4 2 3")  # what follows the second slash is not read
    assert len(mesh.faces) == 1


@pytest.mark.parametrize("row", ["v 1-2 0", "v 1.2.3 0", "v 1e 0 0", "v 1v2 0 0", "v 0 0 0 # p", "v", "v 0x10 0 0"])
def test_coordinates_that_only_look_like_numbers(row, tmp_path):
    if "#" in row:
        assert len(loaded(tmp_path, SQUARE.replace("v 0 0 0", row) + "f 1 2 3\n").faces) == 1
        return
    with pytest.raises(BadInput, match=r"no number|fewer than three"):
        loaded(tmp_path, SQUARE.replace("v 0 0 0", row) + "f 1 2 3\n")


def test_rows_of_several_widths(tmp_path):
    text = "v 0 0 0 1\nv 1 0 0\nv 0 1 0 1 0 0\nvt 0\nvt 1 0 0\nvt 0 1\nf 1/1 2/2 3/3\n"
    mesh = loaded(tmp_path, "mtllib a.mtl\nusemtl m\n" + text, "newmtl m\nmap_Kd tex.png\n")
    assert mesh.uvs[mesh.faces[0]].tolist() == [[0, 1], [1, 1], [0, 0]]
    assert mesh.vertices[mesh.faces[0]].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_materials_that_come_again(tmp_path):
    text = "mtllib a.mtl\n" + SQUARE + "usemtl red\nf 1 2 3\nusemtl blue\nf 1 3 4\nusemtl red\nf 1 2 4 3\n"
    mesh = loaded(tmp_path, text, "newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\n")
    assert mesh.vertex_colors[mesh.faces[:, 0]].tolist() == [[1, 0, 0]] * 3 + [[0, 0, 1]]


def test_a_large_file_is_read_at_once(tmp_path):
    """Some 40,000 faces with UVs and normals: a loop over their lines would be seen in the time of this file."""
    side = 150
    x, y = (each.ravel() for each in np.meshgrid(np.arange(side), np.arange(side)))
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel() + 1
    faces = np.stack([corner, corner + 1, corner + side + 1, corner + side], 1)
    rows = [f"v {a} {b} {a * b / 100}" for a, b in zip(x, y, strict=True)]
    rows += [f"vt {a / side} {b / side}" for a, b in zip(x, y, strict=True)] + ["vn 0 0 1"]
    rows += ["f " + " ".join(f"{c}/{c}/1" for c in face) for face in faces]
    mesh = loaded(tmp_path, "mtllib a.mtl\nusemtl m\n" + "\n".join(rows), "newmtl m\nmap_Kd tex.png\n")
    assert len(mesh.vertices) == side**2 and len(mesh.faces) == 2 * len(faces)
    assert mesh.vertices[mesh.faces[0]].tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, pytest.approx(0.01)]]
    torch.testing.assert_close(mesh.uvs[:, 0] * side, mesh.vertices[:, 0], atol=1e-3, rtol=0)
