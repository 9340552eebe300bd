"""GLB by hand, against the glTF 2.0 specification: chunks, alignment, accessors, material, colour spaces."""

import io
import json
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from recon_lib.meshes.files.glb import encode_glb
from recon_lib.meshes.mesh import Mesh

SIZES = {5126: 4, 5123: 2, 5125: 4}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}
DTYPES = {5126: "<f4", 5123: "<u2", 5125: "<u4"}


def tetrahedron(**attributes) -> Mesh:
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1.5, 0], [0, 0, -2]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    return Mesh(vertices, faces, **attributes)


def textured() -> Mesh:
    texture = torch.zeros(3, 4, 8)
    texture[0, 0, 0] = 0.5  # the top-left texel is half red
    return tetrahedron(uvs=torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]]), texture=texture)


def parse(content: bytes) -> tuple[dict, bytes]:
    """The JSON and the binary chunk, with everything that the container format demands checked."""
    magic, version, total = struct.unpack_from("<4sII", content)
    assert (magic, version, total) == (b"glTF", 2, len(content))
    length, kind = struct.unpack_from("<I4s", content, 12)
    assert kind == b"JSON"
    assert length % 4 == 0
    text = content[20 : 20 + length]
    size, kind = struct.unpack_from("<I4s", content, 20 + length)
    assert kind == b"BIN\0"
    assert size % 4 == 0
    binary = content[28 + length :]
    assert len(binary) == size
    return json.loads(text), binary


def read(gltf: dict, binary: bytes, accessor: int) -> np.ndarray:
    """An accessor's values, with its place in the buffer checked."""
    entry = gltf["accessors"][accessor]
    view = gltf["bufferViews"][entry["bufferView"]]
    width = WIDTHS[entry["type"]]
    assert view["byteOffset"] % 4 == 0
    assert view["byteLength"] == entry["count"] * width * SIZES[entry["componentType"]]
    assert view["byteOffset"] + view["byteLength"] <= len(binary)
    values = np.frombuffer(binary, DTYPES[entry["componentType"]], entry["count"] * width, view["byteOffset"])
    return values.reshape(-1, width)


def primitive(gltf: dict) -> dict:
    return gltf["meshes"][gltf["nodes"][gltf["scenes"][gltf["scene"]]["nodes"][0]]["mesh"]]["primitives"][0]


@pytest.mark.parametrize(
    "mesh",
    [
        tetrahedron(),
        textured(),
        tetrahedron(vertex_colors=torch.rand(4, 3), provenance=torch.tensor([0, 1, 2, 3], dtype=torch.uint8)),
        textured().with_normals(),
    ],
    ids=["bare", "textured", "coloured", "with normals"],
)
def test_the_container_is_valid(mesh):
    gltf, binary = parse(encode_glb(mesh, provenance=True))
    assert gltf["asset"]["version"] == "2.0"
    assert gltf["buffers"] == [{"byteLength": len(binary)}]
    part = primitive(gltf)
    assert part["mode"] == 4
    positions = gltf["accessors"][part["attributes"]["POSITION"]]
    assert positions["min"] == [0.0, 0.0, -2.0]
    assert positions["max"] == [1.0, 1.5, 0.0]
    np.testing.assert_array_equal(read(gltf, binary, part["attributes"]["POSITION"]), mesh.vertices)
    np.testing.assert_array_equal(read(gltf, binary, part["indices"]).reshape(-1, 3), mesh.faces)
    for name, index in part["attributes"].items():
        assert len(read(gltf, binary, index)) == 4, name
        assert gltf["bufferViews"][gltf["accessors"][index]["bufferView"]]["target"] == 34962
    assert gltf["bufferViews"][gltf["accessors"][part["indices"]]["bufferView"]]["target"] == 34963
    assert gltf["materials"][part["material"]]["doubleSided"] is True


def test_the_extremes_are_those_of_the_stored_floats():
    """Validators compare them exactly with the data."""
    mesh = tetrahedron().mapped(lambda v: v * 0.1 + 1 / 3)
    gltf, binary = parse(encode_glb(mesh))
    entry = gltf["accessors"][primitive(gltf)["attributes"]["POSITION"]]
    stored = read(gltf, binary, 0)
    np.testing.assert_array_equal(np.float32(entry["min"]), stored.min(0))
    np.testing.assert_array_equal(np.float32(entry["max"]), stored.max(0))


def test_a_texture_is_a_pbr_base_colour_with_a_sampler():
    gltf, binary = parse(encode_glb(textured()))
    surface = gltf["materials"][0]["pbrMetallicRoughness"]
    assert surface["metallicFactor"] == 0
    picture = gltf["textures"][surface["baseColorTexture"]["index"]]
    assert gltf["samplers"][picture["sampler"]] == {
        "magFilter": 9729,
        "minFilter": 9987,
        "wrapS": 33071,
        "wrapT": 33071,
    }
    image = gltf["images"][picture["source"]]
    view = gltf["bufferViews"][image["bufferView"]]
    assert image["mimeType"] == "image/png"
    pixels = Image.open(io.BytesIO(binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]))
    assert pixels.size == (8, 4)
    assert pixels.getpixel((0, 0)) == (128, 0, 0)  # textures are sRGB: as they are
    np.testing.assert_array_equal(
        read(gltf, binary, primitive(gltf)["attributes"]["TEXCOORD_0"]), textured().uvs
    )  # v is not flipped: glTF's origin is the top-left corner, as ours


def test_a_texture_that_repeats_says_so_and_an_origin_is_the_nodes_place():
    mesh = textured()
    gltf, _ = parse(encode_glb(Mesh(**{**vars(mesh), "uvs": mesh.uvs * 3, "origin": (412345.25, 5456789.5, -1e-3)})))
    assert {gltf["samplers"][0][key] for key in ("wrapS", "wrapT")} == {10497}
    assert gltf["nodes"][0]["translation"] == [412345.25, 5456789.5, -1e-3]
    assert "translation" not in parse(encode_glb(mesh))[0]["nodes"][0]


def test_vertex_colours_are_written_in_linear_light():
    colors = torch.tensor([[0.0, 0.5, 1.0]]).expand(4, -1)
    gltf, binary = parse(encode_glb(tetrahedron(vertex_colors=colors)))
    stored = read(gltf, binary, primitive(gltf)["attributes"]["COLOR_0"])
    np.testing.assert_allclose(stored[0], [0, 0.2140411, 1], atol=1e-6)
    assert "baseColorFactor" not in gltf["materials"][0]["pbrMetallicRoughness"]  # white: it multiplies


def test_a_texture_wins_over_vertex_colours():
    mesh = Mesh(**{**vars(textured()), "vertex_colors": torch.rand(4, 3)})
    assert "COLOR_0" not in primitive(parse(encode_glb(mesh))[0])["attributes"]


def test_provenance_is_written_when_asked_for():
    mesh = tetrahedron(provenance=torch.tensor([0, 1, 2, 3], dtype=torch.uint8))
    gltf, binary = parse(encode_glb(mesh, provenance=True))
    assert read(gltf, binary, primitive(gltf)["attributes"]["_PROVENANCE"]).ravel().tolist() == [0, 1, 2, 3]
    assert "_PROVENANCE" not in primitive(parse(encode_glb(mesh))[0])["attributes"]


def test_normals_are_unit_even_where_there_is_no_area():
    normals = torch.tensor([[0.0, 0, 2], [0, 0, 0], [1, 0, 0], [0, -1, 0]])
    gltf, binary = parse(encode_glb(tetrahedron(vertex_normals=normals)))
    stored = read(gltf, binary, primitive(gltf)["attributes"]["NORMAL"])
    np.testing.assert_allclose(stored, [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, -1, 0]])


def test_many_vertices_get_wide_indices():
    count = 70_000
    mesh = Mesh(torch.rand(count, 3), torch.tensor([[0, 1, count - 1]]))
    gltf, binary = parse(encode_glb(mesh))
    index = primitive(gltf)["indices"]
    assert gltf["accessors"][index]["componentType"] == 5125
    assert read(gltf, binary, index).ravel().tolist() == [0, 1, count - 1]


def test_texts_travel_in_the_asset():
    """Where ComfyUI's page looks for a graph when a GLB is dropped onto it."""
    gltf, _ = parse(encode_glb(tetrahedron(), extras={"prompt": '{"1": {}}', "workflow": '{"nodes": ["ü"]}'}))
    assert json.loads(gltf["asset"]["extras"]["workflow"]) == {"nodes": ["ü"]}
    assert gltf["asset"]["version"] == "2.0" and "extras" not in parse(encode_glb(tetrahedron()))[0]["asset"]
