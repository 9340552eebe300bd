"""Cameras in a GLB, read as JSON by the specification's own formulas: they show the mesh where our cameras do."""

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from recon_lib.cameras.camera import Cameras
from recon_lib.errors import BadInput
from recon_lib.meshes.files.mesh_io import load_mesh
from recon_lib.meshes.mesh import Mesh
from recon_lib.stages.meshing.export import save_mesh
from tests.helpers.shapes import box

FAR_AWAY = (500_000.25, -20.0, 4_000_000.5)


def document(path: Path) -> dict:
    content = path.read_bytes()
    length = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + length])


def shown(content: dict, number: int, vertices: torch.Tensor, width: int, height: int) -> np.ndarray:
    """Pixels [N,2] of vertices [N,3] float64 by glTF 2.0, section 3.10.3: finite perspective projection."""
    node = next(n for n in content["nodes"] if n.get("camera") == number)
    lens = content["cameras"][number]["perspective"]
    turn = Rotation.from_quat(node["rotation"]).as_matrix()
    local = (vertices.double().numpy() - np.array(node["translation"])) @ turn
    f = 1 / math.tan(lens["yfov"] / 2)
    x, y = f / lens["aspectRatio"] * local[:, 0] / -local[:, 2], f * local[:, 1] / -local[:, 2]
    assert (-local[:, 2] > lens["znear"]).all() and (-local[:, 2] < lens["zfar"]).all()
    return np.stack([(x + 1) / 2 * width, (1 - y) / 2 * height], -1)


def oblong() -> Cameras:
    """Two cameras with pixels half as wide as they are high."""
    cameras = Cameras.orbit([30.0, 200.0], 25, 3.0, 40, 96, 64)
    intrinsics = cameras.intrinsics.clone()
    intrinsics[:, 0, 0] *= 2
    return Cameras(cameras.camera_to_world, intrinsics, 96, 64)


@pytest.mark.parametrize("options", [{}, {"size_mm": 250.0}, {"up": "z"}])
@pytest.mark.parametrize("origin", [(0.0, 0.0, 0.0), FAR_AWAY])
def test_a_viewer_sees_the_vertices_where_the_photo_does(tmp_path, options, origin):
    mesh = box((0.5, 0.7, 0.3))
    cameras = oblong()
    mesh = Mesh(mesh.vertices, mesh.faces, origin=origin)
    cameras = Cameras(cameras.camera_to_world, cameras.intrinsics, 96, 64, origin=origin)
    save_mesh(mesh, tmp_path / "a.glb", cameras=cameras, **options)
    content = document(tmp_path / "a.glb")
    assert content["scenes"][0]["nodes"] == [0, 1, 2]
    placed = load_mesh(tmp_path / "a.glb").placed_vertices
    expected = cameras.project(mesh.vertices)[0]
    for number in range(2):
        assert np.abs(shown(content, number, placed, 64, 96) - expected[number].numpy()).max() < 1e-2


def test_a_file_without_cameras_has_none(tmp_path):
    save_mesh(box(), tmp_path / "a.glb")
    assert "cameras" not in document(tmp_path / "a.glb")


def test_other_formats_hold_no_cameras(tmp_path):
    with pytest.raises(BadInput, match="obj file holds no cameras"):
        save_mesh(box(), tmp_path / "a.obj", cameras=oblong())
    assert not list(tmp_path.iterdir())


def test_a_cropped_photo_is_told(tmp_path, caplog):
    save_mesh(box(), tmp_path / "a.glb", cameras=oblong().cropped(8, 0, 64, 96))
    assert "looks through the middle" in caplog.text
