"""What a glTF may hold, against the specification: every kind of accessor, mode, node, skin and morph."""

import logging

import numpy as np
import pytest
import torch

from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh
from tests.helpers.gltf_files import SQUARE, SQUARE_FACES, Gltf


def loaded(gltf: Gltf, tmp_path):
    return load_mesh(gltf.save(tmp_path / "a.glb"))


def corners(mesh) -> np.ndarray:
    return mesh.triangles.numpy()


SQUARE_CORNERS = SQUARE[SQUARE_FACES.reshape(-1, 3)]


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2"])
def test_normalised_positions_of_every_kind(kind, tmp_path):
    """KHR_mesh_quantization."""
    full = np.iinfo(kind).max
    gltf = Gltf(extensionsUsed=["KHR_mesh_quantization"], extensionsRequired=["KHR_mesh_quantization"])
    stored = (np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.5]]) * full).round().astype("<" + kind)
    width = np.dtype(kind).itemsize
    gltf.primitive({"attributes": {"POSITION": gltf.accessor(stored, normalized=True, stride=4 * width)}})
    np.testing.assert_allclose(loaded(gltf, tmp_path).vertices[2], [0, 1, 0.5], atol=0.005)


def test_whole_numbers_that_are_not_normalised_stay(tmp_path):
    gltf = Gltf(extensionsRequired=["KHR_mesh_quantization"])
    stored = np.array([[0, 0, 0], [100, 0, 0], [0, -100, 0]], "<i2")
    gltf.primitive({"attributes": {"POSITION": gltf.accessor(stored, stride=8)}}, scale=[0.01, 0.01, 0.01])
    np.testing.assert_allclose(loaded(gltf, tmp_path).vertices[1:], [[1, 0, 0], [0, -1, 0]], atol=1e-6)


@pytest.mark.parametrize("kind", ["u1", "u2", "u4"])
def test_indices_of_every_kind(kind, tmp_path):
    gltf = Gltf()
    gltf.primitive(
        {"attributes": {"POSITION": gltf.accessor(SQUARE)}, "indices": gltf.accessor(SQUARE_FACES.astype(kind))}
    )
    np.testing.assert_array_equal(corners(loaded(gltf, tmp_path)), SQUARE_CORNERS)


def test_sparse_accessors_with_and_without_a_base(tmp_path):
    for base in (True, False):
        gltf = Gltf()
        rows = np.array([1, 2], "<u2")
        place = {"bufferView": gltf.view(rows.tobytes()), "componentType": 5123}
        values = {"bufferView": gltf.view(np.array([[2, 0, 0], [0, 3, 0]], "<f4").tobytes())}
        index = gltf.accessor(np.ones((3, 3), "<f4"))
        entry = gltf.content["accessors"][index]
        entry["sparse"] = {"count": 2, "indices": place, "values": values}
        if not base:
            del entry["bufferView"]
        gltf.primitive({"attributes": {"POSITION": index}})
        first = [1, 1, 1] if base else [0, 0, 0]
        np.testing.assert_array_equal(loaded(gltf, tmp_path).vertices, [first, [2, 0, 0], [0, 3, 0]])


def test_strips_fans_and_plain_corners(tmp_path):
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], "<f4")
    for mode, wanted in ((5, [[0, 1, 2], [2, 1, 3]]), (6, [[0, 1, 2], [0, 2, 3]])):
        gltf = Gltf()
        gltf.primitive({"attributes": {"POSITION": gltf.accessor(points)}, "mode": mode})
        np.testing.assert_array_equal(corners(loaded(gltf, tmp_path)), points[wanted])
    gltf = Gltf()
    gltf.primitive({"attributes": {"POSITION": gltf.accessor(points[:3])}})
    np.testing.assert_array_equal(corners(loaded(gltf, tmp_path)), points[[[0, 1, 2]]])


def test_points_and_lines_are_left_out_with_a_word(tmp_path, caplog):
    gltf = Gltf()
    gltf.square()
    gltf.primitive({"attributes": {"POSITION": gltf.accessor(SQUARE + 9)}, "mode": 1})
    with caplog.at_level(logging.WARNING):
        assert len(loaded(gltf, tmp_path).vertices) == 4
    assert "points or lines is left out" in caplog.text


def test_nested_nodes_multiply_and_mirrors_stay_right_side_out(tmp_path):
    gltf = Gltf()
    turn = [0, 0, np.sqrt(0.5), np.sqrt(0.5)]  # 90 degrees about z
    gltf.square(node={"translation": [1, 0, 0], "rotation": turn})
    child = gltf.content["scenes"][0]["nodes"].pop()
    matrix = np.diag([2.0, 2, 2, 1])
    matrix[:3, 3] = 0, 10, 0
    parent = gltf.add("nodes", {"children": [child], "matrix": matrix.T.ravel().tolist()})
    gltf.content["scenes"][0]["nodes"] = [parent]
    np.testing.assert_allclose(loaded(gltf, tmp_path).vertices[1], [2 * (1 + 1), 10 + 2, 0], atol=1e-5)
    gltf.content["nodes"][parent] = {"children": [child], "scale": [-1, 1, 1]}
    assert loaded(gltf, tmp_path).face_normals[0, 2] == pytest.approx(1)


def test_the_named_scene_is_shown_and_a_mesh_may_stand_twice(tmp_path, caplog):
    gltf = Gltf()
    gltf.square()
    gltf.square(node={"translation": [0, 0, 5]})
    again = gltf.add("nodes", {"mesh": 1, "translation": [0, 0, 7]})
    gltf.content["scenes"] = [{"nodes": [0]}, {"nodes": [1, again]}]
    gltf.content["scene"] = 1
    assert loaded(gltf, tmp_path).vertices[:, 2].unique().tolist() == [5, 7]
    assert "scenes" in caplog.text


def test_instances_by_extension(tmp_path):
    name = "EXT_mesh_gpu_instancing"
    gltf = Gltf(extensionsUsed=[name], extensionsRequired=[name])
    listed = {
        "TRANSLATION": gltf.accessor(np.array([[0, 0, 1], [0, 0, 2]], "<f4")),
        "SCALE": gltf.accessor(np.array([[1, 1, 1], [3, 3, 3]], "<f4")),
    }
    gltf.square(node={"extensions": {name: {"attributes": listed}}})
    mesh = loaded(gltf, tmp_path)
    assert mesh.bounds.tolist() == [[-3, -3, 1], [3, 3, 2]]


def test_hidden_nodes_are_not_shown(tmp_path):
    gltf = Gltf(extensionsUsed=["KHR_node_visibility"])
    gltf.square()
    gltf.square(node={"extensions": {"KHR_node_visibility": {"visible": False}}})
    assert len(loaded(gltf, tmp_path).faces) == 2


def test_morph_targets_with_their_weights(tmp_path):
    gltf = Gltf()
    shift = gltf.accessor(np.tile(np.array([[0, 0, 4]], "<f4"), (4, 1)))
    gltf.square(targets=[{"POSITION": shift}], node={"weights": [0.5]})
    assert loaded(gltf, tmp_path).vertices[:, 2].tolist() == [2] * 4


def test_a_skin_places_the_mesh_and_its_node_does_not(tmp_path):
    gltf = Gltf()
    attributes = {
        "JOINTS_0": gltf.accessor(np.array([[0, 1, 0, 0]] * 4, "u1")),
        "WEIGHTS_0": gltf.accessor(np.array([[191, 64, 0, 0]] * 4, "u1"), normalized=True),
    }
    gltf.square(attributes=attributes, node={"skin": 0, "translation": [99, 0, 0]})
    joints = [gltf.add("nodes", {"translation": [0, 0, 4]}), gltf.add("nodes", {"translation": [0, 4, 4]})]
    gltf.content["scenes"][0]["nodes"] += joints
    bind = np.tile(np.eye(4, dtype="<f4").ravel(), (2, 1))
    bind[:, 14] = -4  # column-major: z of the translation
    gltf.content["skins"] = [{"joints": joints, "inverseBindMatrices": gltf.accessor(bind)}]
    np.testing.assert_allclose(loaded(gltf, tmp_path).vertices, np.add(SQUARE, [0, 4 * 64 / 255, 0]), atol=1e-5)


@pytest.mark.parametrize("name", ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "ACME_secret"])
def test_what_is_required_and_not_known_is_refused_by_name(name, tmp_path):
    gltf = Gltf(extensionsUsed=[name], extensionsRequired=[name])
    gltf.square()
    with pytest.raises(BadInput, match=f"needs .*{name}.*save"):
        loaded(gltf, tmp_path)


def test_draco_that_is_not_declared_as_required_is_refused_too(tmp_path):
    gltf = Gltf(extensionsUsed=["KHR_draco_mesh_compression"])
    gltf.square(extensions={"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}})
    for accessor in gltf.content["accessors"]:
        accessor.pop("bufferView", None)
    with pytest.raises(BadInput, match="needs KHR_draco_mesh_compression"):
        loaded(gltf, tmp_path)


def test_meshopt_without_a_fallback_is_refused_too(tmp_path):
    gltf = Gltf(extensionsUsed=["EXT_meshopt_compression"])
    gltf.square()
    gltf.content["buffers"] = [{"byteLength": len(gltf.binary)}, {"byteLength": 99}]
    view = gltf.content["bufferViews"][0]
    view |= {"buffer": 1, "extensions": {"EXT_meshopt_compression": {"buffer": 0}}}
    with pytest.raises(BadInput, match="needs EXT_meshopt_compression"):
        loaded(gltf, tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c["asset"].update(version="1.0"), "glTF 1.0, and 2.0"),
        (lambda c: c["nodes"][0].update(mesh=-1), "no meshes -1"),
        (lambda c: c["nodes"][0].update(mesh=True), "no meshes True"),
        (lambda c: c["nodes"][0].update(children=[0]), "hangs at two places"),
        (lambda c: c["nodes"][0].update(scale=[1e308, 1, 1], translation=[1e308] * 3), "too large|stands nowhere"),
        (lambda c: c["nodes"][0].update(matrix=[1, 2]), "damaged"),
        (lambda c: c["accessors"][0].update(count=10**15), "claims"),
        (lambda c: c["accessors"][0].update(count=5), "ends after"),
        (lambda c: c["accessors"][0].update(count=-1), "count is -1"),
        (lambda c: c["accessors"][0].update(componentType=7), "unknown type"),
        (lambda c: c["accessors"][0].update(byteOffset=2**60), "byteOffset"),
        (lambda c: c["accessors"][1].update(type="VEC3", count=2), "no whole numbers"),
        (lambda c: c["accessors"][1].update(count=5), "three corners each"),
        (lambda c: c["bufferViews"][0].update(byteLength=10**9), "ends after its buffer"),
        (lambda c: c["bufferViews"][0].update(buffer=3), "no buffers 3"),
        (lambda c: c.update(accessors="x"), "damaged"),
        (lambda c: c.update(nodes=[{}] * 3, scenes=[{"nodes": [2]}]), "no triangles"),
        (lambda c: c.update(buffers=[{"byteLength": 10**6}]), "holds 60 of its 1000000 bytes"),
    ],
)
def test_contradictions_are_told_in_one_sentence(change, sentence, tmp_path):
    gltf = Gltf()
    gltf.square()
    change(gltf.content)
    with pytest.raises(BadInput, match=sentence) as caught:
        loaded(gltf, tmp_path)
    assert len(str(caught.value)) < 250


def test_nan_and_indices_outside_are_refused(tmp_path):
    gltf = Gltf()
    broken = SQUARE.copy()
    broken[2, 1] = np.nan
    gltf.primitive({"attributes": {"POSITION": gltf.accessor(broken)}, "indices": gltf.accessor(SQUARE_FACES)})
    with pytest.raises(BadInput, match="POSITION holds NaN"):
        loaded(gltf, tmp_path)
    gltf = Gltf()
    gltf.primitive({"attributes": {"POSITION": gltf.accessor(SQUARE)}, "indices": gltf.accessor(SQUARE_FACES + 2)})
    with pytest.raises(BadInput, match="outside its 4 vertices"):
        loaded(gltf, tmp_path)


def test_a_library_without_nodes_is_shown(tmp_path):
    gltf = Gltf()
    gltf.square()
    gltf.content |= {"nodes": [], "scenes": []}
    del gltf.content["scene"]
    assert torch.equal(loaded(gltf, tmp_path).vertices, torch.from_numpy(SQUARE))
