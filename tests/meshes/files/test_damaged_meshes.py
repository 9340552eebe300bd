"""Any damage ends in one sentence: files cut at any byte, bytes changed at random, files that are something else."""

import io
import warnings
import zipfile

import numpy as np
import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.files import gltf_read
from recon_lib.meshes.files.mesh_io import READABLE, load_mesh
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.export import save_mesh
from tests.helpers.gltf_files import QUARTERS, SQUARE_UVS, Gltf, picture

KINDS = ("glb", "ply", "stl", "obj", "off", "sparse.glb")


def valid(kind: str, tmp_path) -> bytes:
    if kind == "sparse.glb":
        gltf = Gltf()
        material = gltf.material(baseColorTexture={"index": gltf.texture(picture(QUARTERS), wrapS=33648)})
        ramp = gltf.accessor(np.tile(np.linspace(0, 1, 4, dtype="<f4")[:, None], (1, 3)))
        gltf.square(uvs=SQUARE_UVS * 2, material=material, attributes={"COLOR_0": ramp})
        gltf.square(node={"rotation": [0, 0, 1, 0], "translation": [3, 0, 0]})
        rows = gltf.view(np.array([0, 2], "u1").tobytes())
        values = gltf.view(np.zeros((2, 3), "<f4").tobytes())
        sparse = {"count": 2, "indices": {"bufferView": rows, "componentType": 5121}, "values": {"bufferView": values}}
        gltf.content["accessors"][-2]["sparse"] = sparse
        return gltf.glb()
    if kind == "off":
        return b"OFF\n4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n3 0 2 3\n"
    colors = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
    mesh = Mesh(torch.eye(4, 3), torch.tensor([[0, 2, 1], [0, 3, 2], [0, 1, 3], [1, 2, 3]]), vertex_colors=colors)
    return save_mesh(mesh, tmp_path / f"valid.{kind}").path.read_bytes()


def read(content: bytes, kind: str, tmp_path) -> Mesh | None:
    """The mesh, None if it was refused in one sentence; anything else is a failure."""
    path = tmp_path / f"a.{kind.split('.')[-1]}"
    path.write_bytes(content)
    mesh, told = None, "refused"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            mesh = load_mesh(path)
        except BadInput as error:
            told = str(error)
    assert 0 < len(told) < 400
    assert "\n" not in told
    if mesh is None:
        return None
    assert torch.isfinite(mesh.vertices).all()
    return mesh


def attack(kind: str, rounds: int, seed: int, tmp_path) -> None:
    random = np.random.default_rng(seed)
    content = valid(kind, tmp_path)
    assert read(content, kind, tmp_path) is not None
    for _ in range(rounds):
        changed = bytearray(content)
        for _ in range(random.integers(1, 4)):
            changed[random.integers(len(changed))] = random.integers(256)
        if random.random() < 0.2:
            at, length = random.integers(len(changed)), random.integers(1, 20)
            changed[at:at] = random.bytes(length)
        read(bytes(changed), kind, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes(kind, tmp_path):
    attack(kind, 60, 0, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(1, 6))
def test_changed_bytes_at_length(kind, seed, tmp_path):
    attack(kind, 3000, seed, tmp_path)


@pytest.mark.parametrize("kind", ["glb", "ply", "stl", "sparse.glb"])
def test_a_file_that_says_its_size_is_refused_wherever_it_is_cut(kind, tmp_path):
    content = valid(kind, tmp_path)
    for end in sorted({*range(0, len(content), max(1, len(content) // 60)), len(content) - 1}):
        assert read(content[:end], kind, tmp_path) is None, end


def test_files_that_are_something_else(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.glb", b"\0" * 10_000_000)
    others = {
        "a zip bomb": stream.getvalue(), "a picture": picture(QUARTERS), "nothing": b"", "zeros": b"\0" * 1000,
        "a NumPy file": b"\x93NUMPY\x01\x00", "html": b"<!DOCTYPE html><html></html>", "spaces": b" " * 500,
        "deep JSON": b'{"asset":' + b"[" * 100_000, "a long number": b'{"asset":{"version":' + b"9" * 5000 + b"}}",
        "NaN": b'{"asset":{"version":"2.0"},"nodes":NaN}', "a list": b"[]", "text": "Grüße".encode("latin-1"),
    }  # fmt: skip
    for name, content in others.items():
        for ending in READABLE:
            assert read(content, ending, tmp_path) is None, (name, ending)


def test_a_small_file_cannot_ask_for_much(tmp_path, monkeypatch):
    """A mesh shown by countless nodes or in countless triangles, or an accessor of zeros without end."""
    monkeypatch.setattr(gltf_read, "MAX_INSTANCES", 100)
    gltf = Gltf()
    gltf.square()
    gltf.content["nodes"] *= 101
    gltf.content["scenes"][0]["nodes"] = list(range(101))
    with pytest.raises(BadInput, match="101 meshes"):
        load_mesh(gltf.save(tmp_path / "a.glb"))
    monkeypatch.setattr(gltf_read, "MAX_INSTANCES", 1000)
    monkeypatch.setattr(gltf_read, "MAX_TRIANGLES", 200)
    with pytest.raises(BadInput, match="more than 200 triangles"):
        load_mesh(gltf.save(tmp_path / "a.glb"))
    gltf = Gltf()
    index = gltf.accessor(np.zeros((3, 3), "<f4"))
    gltf.primitive({"attributes": {"POSITION": index}})
    gltf.content["accessors"][index] = {"componentType": 5126, "count": 2**40, "type": "VEC3"}
    with pytest.raises(BadInput, match="claims"):
        load_mesh(gltf.save(tmp_path / "a.glb"))
