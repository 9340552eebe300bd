"""A mesh file reaches nothing outside its folder, by whatever path, in any format, whatever trimesh is installed."""

import json
import os
import re

import numpy as np
import pytest
import trimesh

from recon_lib.errors import BadInput
from recon_lib.meshes.files.folder import MeshFolder, MissingFile
from recon_lib.meshes.files.mesh_io import load_mesh
from tests.helpers.gltf_files import QUARTERS, picture

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()
SECRET = np.array([[7, 7, 7], [8, 7, 7], [7, 8, 7]], "<f4").tobytes()


@pytest.fixture
def inside(tmp_path):
    """The mesh's folder, with a secret beside it and a link to the secret within."""
    folder = tmp_path / "input"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(SECRET)
    (tmp_path / "secret.png").write_bytes(picture(QUARTERS))
    (tmp_path / "secret.mtl").write_text("newmtl m\nKd 1 0 0\n")
    (tmp_path / "input2").mkdir()
    (tmp_path / "input2" / "secret.bin").write_bytes(SECRET)
    try:
        (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
        (folder / "link.png").symlink_to(tmp_path / "secret.png")
        (folder / "linked").symlink_to(tmp_path)
        (folder / "loop.bin").symlink_to(folder / "loop.bin")
    except OSError:
        pass  # Windows without the right to make links
    (folder / "sub" / "own.bin").write_bytes(TRIANGLE)
    (folder / "my buffer#1.bin").write_bytes(TRIANGLE)
    (folder / "50%.bin").write_bytes(TRIANGLE)
    (folder / "own.png").write_bytes(picture(QUARTERS))
    return folder


def gltf(folder, uri, image=None):
    content = {
        "asset": {"version": "2.0"}, "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}], "buffers": [{"byteLength": 36, "uri": uri}],
    }  # fmt: skip
    if image is not None:
        content["meshes"][0]["primitives"][0] |= {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "material": 0}
        content["accessors"].append({"componentType": 5126, "count": 3, "type": "VEC2"})
        content |= {
            "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
            "textures": [{"source": 0}], "images": [{"uri": image}],
        }  # fmt: skip
    path = folder / "a.gltf"
    path.write_text(json.dumps(content))
    return path


def outside(tmp_path, name):
    """All ways to name a file beside the folder."""
    full = tmp_path / name
    return [
        str(full), f"../{name}", f"sub/../../{name}", f"..\\{name}", f"%2e%2e/{name}", f"..%2f{name}", full.as_uri(),
        f"file:{full}", f"linked/{name}", f"link.{name.split('.')[1]}", f"http://127.0.0.1:9/{name}",
        f"HTTPS://localhost/{name}", f"./.././{name}", f" ../{name}", f"//localhost{full}", f"../input2/{name}",
    ]  # fmt: skip


def test_buffers_outside_the_folder_are_refused(inside, tmp_path):
    for uri in outside(tmp_path, "secret.bin"):
        with pytest.raises(BadInput) as caught:
            load_mesh(gltf(inside, uri))
        assert "outside its own folder" in str(caught.value) or "missing" in str(caught.value), uri
        assert "7" not in str(caught.value).replace("127.0.0.1", "").replace(str(tmp_path), ""), uri


def test_pictures_outside_the_folder_are_not_shown(inside, tmp_path):
    for uri in outside(tmp_path, "secret.png"):
        assert load_mesh(gltf(inside, "sub/own.bin", image=uri)).texture is None, uri
    assert load_mesh(gltf(inside, "sub/own.bin", image="own.png")).texture is not None


@pytest.mark.parametrize("ending", ["obj", "ply"])
def test_materials_and_textures_outside_the_folder_are_not_shown(ending, inside, tmp_path):
    def written(material: str, texture: str):
        if ending == "obj":
            lines = f"mtllib {material}\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n"
            (inside / "own.mtl").write_text(f"newmtl m\nmap_Kd {texture}\n")
        else:
            head = f"ply\nformat ascii 1.0\ncomment TextureFile {texture}\nelement vertex 3\n"
            head += "".join(f"property float {name}\n" for name in "xyzst") + "element face 1\n"
            lines = (
                head + "property list uchar int vertex_indices\nend_header\n0 0 0 0 0\n1 0 0 0 0\n0 1 0 0 0\n3 0 1 2\n"
            )
        path = inside / f"a.{ending}"
        path.write_text(lines)
        return load_mesh(path)

    assert written("own.mtl", "own.png").texture is not None
    for name in outside(tmp_path, "secret.png"):
        assert written("own.mtl", name).texture is None, name
    if ending == "obj":
        for name in outside(tmp_path, "secret.mtl"):
            assert written(name, "own.png").vertex_colors is None, name


def test_trimesh_never_opens_a_file(inside, monkeypatch):
    """Its resolver read any file of the machine up to version 4, and it has others for zips and the web."""

    def refuse(*_args, **_options):
        raise AssertionError("trimesh was asked to open a file")

    for name in ("FilePathResolver", "WebResolver", "ZipResolver", "GithubResolver"):
        monkeypatch.setattr(getattr(trimesh.resolvers, name), "get", refuse)
    for name in ("load", "load_mesh", "load_scene"):
        monkeypatch.setattr(trimesh, name, refuse, raising=False)
    assert load_mesh(gltf(inside, "sub/own.bin", image="own.png")).texture is not None
    for ending, text in {
        "obj": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "off": "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n",
        "stl": "solid\nfacet\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid\n",
    }.items():
        (inside / f"b.{ending}").write_text(text)
        assert len(load_mesh(inside / f"b.{ending}").faces) == 1


def test_no_module_lets_trimesh_read(repo_root):
    for path in [*(repo_root / "recon_lib").rglob("*.py"), *(repo_root / "nodes").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"trimesh\.(load|exchange|resolvers)|import load(_mesh|_scene)?\b.*trimesh", text), path


@pytest.mark.parametrize(
    "uri",
    [
        "sub/own.bin", "sub%2Fown.bin", "./sub/../sub/own.bin", "my%20buffer%231.bin", "50%25.bin", "50%.bin",
        "sub\\own.bin",
        "data:application/octet-stream;base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAA",
        "data:;base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAA",
    ],
)  # fmt: skip
def test_files_in_the_folder_and_data_in_the_uri_are_read(uri, inside):
    assert load_mesh(gltf(inside, uri)).vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("gone.bin", "needs gone.bin, which is missing"),
        ("sub", "needs sub, which is missing"),
        ("", "missing"),
        ("x" * 300, "could not be read|missing"),
        ("nul%00.bin", "no file name"),
        ("data:;base64,????", "damaged data:"),
        ("data:", "damaged data:"),
        ("data:;base64,AAAA", "holds 3 of its 36 bytes"),
        (7, "names a file by a int"),
    ],
)
def test_each_failure_is_told_apart(uri, sentence, inside):
    with pytest.raises(BadInput, match=sentence) as caught:
        load_mesh(gltf(inside, uri))
    assert len(str(caught.value)) < 300


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_and_loops_of_links_do_not_hang(inside):
    os.mkfifo(inside / "pipe.bin")
    for name in ("pipe.bin", "loop.bin"):
        with pytest.raises(BadInput):
            load_mesh(gltf(inside, name))


def test_a_linked_folder_of_the_users_own_is_read(inside, tmp_path):
    (tmp_path / "alias").symlink_to(inside)
    gltf(inside, "sub/own.bin")
    assert len(load_mesh(tmp_path / "alias" / "a.gltf").faces) == 1


def test_what_is_missing_is_a_kind_of_its_own(inside):
    with pytest.raises(MissingFile):
        MeshFolder(inside / "a.obj").read("gone.mtl")
