"""Colours of glTF files: factors, textures, vertex colours, transforms, samplers, compressed pictures."""

import logging
import math

import numpy as np
import pytest
import torch

from recon_lib.color_space import linear_to_srgb, srgb_to_linear
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.meshes.mesh import Mesh
from recon_lib.render.mesh import sample_texture
from tests.helpers.gltf_files import QUARTERS, SQUARE_UVS, Gltf, picture

RED, GREEN, BLUE, YELLOW = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])


def loaded(gltf: Gltf, tmp_path) -> Mesh:
    return load_mesh(gltf.save(tmp_path / "a.glb"))


def color_at(mesh: Mesh, x: float, y: float) -> torch.Tensor:
    """The texture's colour at the point (x, y) of the square, by the triangle that it lies in."""
    for face in mesh.faces:
        a, b, c = mesh.vertices[face, :2].double()
        weights = torch.linalg.solve(torch.stack([b - a, c - a], 1), torch.tensor([x, y], dtype=torch.float64) - a)
        weights = torch.cat([1 - weights.sum()[None], weights])
        if (weights > -1e-9).all():
            uv = (weights[:, None] * mesh.uvs[face]).sum(0, keepdim=True).float()
            return sample_texture(mesh.texture, uv, repeat=mesh.repeats)[0]
    raise AssertionError("outside")


def test_factor_times_texture_in_linear_light(tmp_path):
    gltf = Gltf()
    texture = gltf.texture(picture(np.full((4, 4, 3), 188, np.uint8)))
    material = gltf.material(baseColorFactor=[1, 0.5, 0, 1], baseColorTexture={"index": texture})
    gltf.square(uvs=SQUARE_UVS, material=material)
    half = srgb_to_linear(torch.tensor(188 / 255))
    wanted = linear_to_srgb(torch.stack([half, half / 2, half * 0]))
    torch.testing.assert_close(color_at(loaded(gltf, tmp_path), 0.1, 0.1), wanted, atol=2 / 255, rtol=0)


@pytest.mark.parametrize(("kind", "full"), [("f4", 1), ("u1", 255), ("u2", 65535)])
@pytest.mark.parametrize("width", [3, 4])
def test_factor_times_vertex_colours(kind, full, width, tmp_path):
    gltf = Gltf()
    stored = (np.array([[0.5, 1.0, 0.0, 0.3]] * 4)[:, :width] * full).astype("<" + kind)
    colors = gltf.accessor(
        stored, normalized=kind != "f4", stride=None if kind == "f4" else 4 * np.dtype(kind).itemsize
    )
    gltf.square(attributes={"COLOR_0": colors}, material=gltf.material(baseColorFactor=[0.5, 0.5, 1, 1]))
    wanted = linear_to_srgb(torch.tensor([0.25, 0.5, 0.0]))
    torch.testing.assert_close(loaded(gltf, tmp_path).vertex_colors[0], wanted, atol=0.01, rtol=0)


def test_texture_times_one_vertex_colour_keeps_the_texture(tmp_path):
    gltf = Gltf()
    colors = gltf.accessor(np.tile(np.array([[0.5, 0, 0]], "<f4"), (4, 1)))
    material = gltf.material(baseColorTexture={"index": gltf.texture(picture(QUARTERS))})
    gltf.square(uvs=SQUARE_UVS, attributes={"COLOR_0": colors}, material=material)
    mesh = loaded(gltf, tmp_path)
    assert mesh.texture.shape == (3, 8, 8)
    dark = linear_to_srgb(torch.tensor([0.5, 0, 0]))
    torch.testing.assert_close(color_at(mesh, -0.5, 0.5), dark, atol=0.01, rtol=0)
    torch.testing.assert_close(color_at(mesh, 0.5, 0.5), torch.zeros(3), atol=0.01, rtol=0)


def test_texture_times_changing_vertex_colours(tmp_path):
    gltf = Gltf()
    shade = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]], "<f4")  # dark left, bright right
    material = gltf.material(
        baseColorTexture={"index": gltf.texture(picture(np.repeat(np.repeat(QUARTERS, 8, 0), 8, 1)))}
    )
    gltf.square(uvs=SQUARE_UVS * 2, attributes={"COLOR_0": gltf.accessor(shade)}, material=material)
    mesh = loaded(gltf, tmp_path)
    assert mesh.vertex_colors is None
    for x, y, hue in ((-0.75, 0.75, RED), (0.25, 0.75, RED), (0.75, 0.25, YELLOW), (0.75, -0.25, GREEN)):
        wanted = linear_to_srgb(hue * (x + 1) / 2)
        torch.testing.assert_close(color_at(mesh, x, y), wanted, atol=0.03, rtol=0)


def test_a_material_without_factor_is_white_and_no_material_is_no_colour(tmp_path):
    gltf = Gltf()
    gltf.square(material=gltf.material())
    assert loaded(gltf, tmp_path).vertex_colors.unique().tolist() == [1]
    gltf = Gltf()
    gltf.square()
    assert loaded(gltf, tmp_path).vertex_colors is None


def test_repeats_are_kept(tmp_path):
    gltf = Gltf()
    material = gltf.material(baseColorTexture={"index": gltf.texture(picture(QUARTERS))})
    gltf.square(uvs=SQUARE_UVS * 4, material=material)
    mesh = loaded(gltf, tmp_path)
    assert mesh.repeats
    for x in (-0.875, -0.375, 0.625):
        torch.testing.assert_close(color_at(mesh, x, 0.875), RED, atol=0.01, rtol=0)
        torch.testing.assert_close(color_at(mesh, x + 0.25, 0.875), GREEN, atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("wrap", "beyond"),
    [(33071, [GREEN, GREEN]), (33648, [GREEN, RED]), (10497, [RED, GREEN])],
    ids=["clamp", "mirror", "repeat"],
)
def test_what_lies_beyond_the_edge(wrap, beyond, tmp_path):
    """U runs from 0 to 2 over the square: the second half lies outside."""
    gltf = Gltf()
    material = gltf.material(baseColorTexture={"index": gltf.texture(picture(QUARTERS), wrapS=wrap)})
    gltf.square(uvs=SQUARE_UVS * [2, 1], material=material)
    mesh = loaded(gltf, tmp_path)
    for x, wanted in zip((-0.75, -0.25, 0.25, 0.75), (RED, GREEN, *beyond), strict=True):
        torch.testing.assert_close(color_at(mesh, x, 0.5), wanted, atol=0.01, rtol=0)


def test_parts_that_are_joined_keep_their_repeats(tmp_path):
    gltf = Gltf()
    for place, pixels in ((-2, QUARTERS), (2, 255 - QUARTERS)):
        material = gltf.material(baseColorTexture={"index": gltf.texture(picture(pixels))})
        gltf.square(uvs=SQUARE_UVS * 4 - 1, material=material, node={"translation": [place, 0, 0]})
    mesh = loaded(gltf, tmp_path)
    for x in (-0.875, -0.375, 0.625):
        for y in (0.875, -0.625):
            torch.testing.assert_close(color_at(mesh, x - 2, y), RED, atol=0.01, rtol=0)
            torch.testing.assert_close(color_at(mesh, x + 2.25, y), 1 - GREEN, atol=0.01, rtol=0)


def test_parts_with_one_texture_share_it_unchanged(tmp_path):
    gltf = Gltf()
    material = gltf.material(baseColorTexture={"index": gltf.texture(picture(QUARTERS))})
    for place in (-2, 2):
        gltf.square(uvs=SQUARE_UVS * 3, material=material, node={"translation": [place, 0, 0]})
    mesh = loaded(gltf, tmp_path)
    assert mesh.texture.shape == (3, 8, 8)
    assert float(mesh.uvs.max()) == 3


def test_parts_with_texture_vertex_colours_and_one_colour(tmp_path):
    gltf = Gltf()
    gltf.square(uvs=SQUARE_UVS, material=gltf.material(baseColorTexture={"index": gltf.texture(picture(QUARTERS))}))
    ramp = gltf.accessor(np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]], "<f4"))
    gltf.square(attributes={"COLOR_0": ramp}, node={"translation": [4, 0, 0]})
    gltf.square(material=gltf.material(baseColorFactor=[0, 0, 1, 1]), node={"translation": [8, 0, 0]})
    gltf.square(node={"translation": [12, 0, 0]})
    mesh = loaded(gltf, tmp_path)
    torch.testing.assert_close(color_at(mesh, 0.5, 0.5), GREEN, atol=0.01, rtol=0)
    torch.testing.assert_close(color_at(mesh, 8.3, 0.5), BLUE, atol=0.01, rtol=0)
    torch.testing.assert_close(color_at(mesh, 12.3, 0.5), torch.full((3,), 0.8), atol=0.01, rtol=0)
    assert color_at(mesh, 4.9, 0.1)[0] > color_at(mesh, 4.0, 0.1)[0] > color_at(mesh, 3.1, 0.1)[0]


def test_texture_transform(tmp_path):
    """Offset, rotation and scale together, as KHR_texture_transform multiplies them, and its own UV set."""
    gltf = Gltf(extensionsUsed=["KHR_texture_transform"], extensionsRequired=["KHR_texture_transform"])
    moved = {"offset": [0.0, 1.0], "rotation": math.pi / 2, "scale": [1.0, 1.0], "texCoord": 1}
    texture = {"index": gltf.texture(picture(QUARTERS)), "extensions": {"KHR_texture_transform": moved}}
    second = {"TEXCOORD_1": gltf.accessor(SQUARE_UVS)}
    gltf.square(uvs=np.zeros((4, 2)), attributes=second, material=gltf.material(baseColorTexture=texture))
    mesh = loaded(gltf, tmp_path)
    # counter-clockwise in the picture (v down): (u, v) -> (v, 1 - u)
    torch.testing.assert_close(mesh.uvs, torch.from_numpy(np.stack([SQUARE_UVS[:, 1], 1 - SQUARE_UVS[:, 0]], 1)))
    torch.testing.assert_close(color_at(mesh, -0.5, 0.5), BLUE, atol=0.01, rtol=0)


def test_another_uv_set_and_normalised_uvs(tmp_path):
    gltf = Gltf()
    sets = {
        "TEXCOORD_0": gltf.accessor(np.zeros((4, 2), "<f4")),
        "TEXCOORD_1": gltf.accessor((SQUARE_UVS * 65535).astype("<u2"), normalized=True),
    }
    texture = {"index": gltf.texture(picture(QUARTERS)), "texCoord": 1}
    gltf.square(attributes=sets, material=gltf.material(baseColorTexture=texture))
    torch.testing.assert_close(loaded(gltf, tmp_path).uvs, torch.from_numpy(SQUARE_UVS))


def test_webp_by_extension_is_read(tmp_path):
    gltf = Gltf(extensionsRequired=["EXT_texture_webp"])
    index = gltf.texture(picture(QUARTERS, "WEBP", lossless=True), "image/webp")
    texture = gltf.content["textures"][index]
    texture["extensions"] = {"EXT_texture_webp": {"source": texture.pop("source")}}
    gltf.square(uvs=SQUARE_UVS, material=gltf.material(baseColorTexture={"index": index}))
    torch.testing.assert_close(color_at(loaded(gltf, tmp_path), -0.5, 0.5), RED, atol=0.01, rtol=0)


@pytest.mark.parametrize("fallback", [False, True])
def test_pictures_for_graphics_cards_are_left_out_with_a_word(fallback, tmp_path, caplog):
    gltf = Gltf(extensionsUsed=["KHR_texture_basisu"])
    index = gltf.texture(picture(QUARTERS))
    packed = gltf.add("images", {"bufferView": gltf.view(b"\xabKTX 20\xbb" + b"\0" * 60), "mimeType": "image/ktx2"})
    texture = gltf.content["textures"][index]
    texture["extensions"] = {"KHR_texture_basisu": {"source": packed}}
    if not fallback:
        del texture["source"]
    gltf.square(uvs=SQUARE_UVS, material=gltf.material(baseColorTexture={"index": index}))
    with caplog.at_level(logging.WARNING):
        mesh = loaded(gltf, tmp_path)
    assert (mesh.texture is not None) == fallback
    assert ("texture 0 is left out" in caplog.text) == (not fallback)


def test_a_damaged_picture_is_left_out_with_a_word(tmp_path, caplog):
    gltf = Gltf()
    texture = gltf.texture(picture(QUARTERS)[:40])
    material = gltf.material(baseColorFactor=[1, 0, 0, 1], baseColorTexture={"index": texture})
    gltf.square(uvs=SQUARE_UVS, material=material)
    assert loaded(gltf, tmp_path).vertex_colors[0].tolist() == [1, 0, 0]
    assert "could not be read as a picture" in caplog.text


def test_transparency_is_left_out_with_a_word(tmp_path, caplog):
    gltf = Gltf()
    material = gltf.material(baseColorFactor=[0, 1, 0, 0.5])
    gltf.content["materials"][material]["alphaMode"] = "BLEND"
    gltf.square(material=material)
    assert loaded(gltf, tmp_path).vertex_colors[0].tolist() == [0, 1, 0]
    assert "transparency" in caplog.text


def test_specular_glossiness_materials(tmp_path):
    gltf = Gltf()
    texture = gltf.texture(picture(np.full((2, 2, 3), 255, np.uint8)))
    older = {"diffuseFactor": [0, 1, 0, 1], "diffuseTexture": {"index": texture}}
    material = gltf.add("materials", {"extensions": {"KHR_materials_pbrSpecularGlossiness": older}})
    gltf.square(uvs=SQUARE_UVS, material=material)
    assert color_at(loaded(gltf, tmp_path), 0, 0.1).tolist() == [0, 1, 0]
